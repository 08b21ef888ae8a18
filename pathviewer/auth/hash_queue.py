"""A queue in front of password hashing, which takes 64 MiB and a core for each password."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

import anyio

T = TypeVar("T")
PARALLEL = 2
MOST_WAITING = 64
"""Passwords that wait; a hash takes a tenth of a second, so that nobody waits for long."""


class TooManyLogins(Exception):  # noqa: N818  an answer rather than an error
    """There is no place in the queue."""


@dataclass(order=True)
class _Place:
    """One password that waits."""

    rank: int
    """Lower ones go first."""
    number: int
    """In which order they came."""
    ready: asyncio.Future[None] = field(compare=False)
    """Done when it may go on; an error where it gave way."""


class HashQueue:
    """Lets a few passwords be hashed at once, those first that are most likely to be right.

    Used from one event loop.
    """

    def __init__(self, parallel: int = PARALLEL, most_waiting: int = MOST_WAITING) -> None:
        self._free = parallel
        self._most = most_waiting
        self._waiting: list[_Place] = []
        self._numbers = count()
        self._threads = anyio.CapacityLimiter(parallel)

    async def run(self, rank: int, work: Callable[[], T]) -> T:
        """What `work` gives, in a thread, when its turn comes; a low rank comes first.

        Raises TooManyLogins where the queue is full of such as rank no lower, and where a better
        one takes its place.
        """
        await self._take(rank)
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._give()

    async def _take(self, rank: int) -> None:
        if self._free:
            self._free -= 1
            return
        self._make_room(rank)
        place = _Place(rank, next(self._numbers), asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiting, place)
        try:
            await place.ready
        except asyncio.CancelledError:
            if place in self._waiting:
                self._leave(place)
            elif place.ready.done() and not place.ready.cancelled():
                self._give()
            raise

    def _make_room(self, rank: int) -> None:
        if len(self._waiting) < self._most:
            return
        worst = max(self._waiting, default=None)
        if worst is None or worst.rank <= rank:
            raise TooManyLogins
        self._leave(worst)
        worst.ready.set_exception(TooManyLogins())

    def _leave(self, place: _Place) -> None:
        self._waiting.remove(place)
        heapq.heapify(self._waiting)

    def _give(self) -> None:
        """Let the next one go on."""
        if self._waiting:
            heapq.heappop(self._waiting).ready.set_result(None)
        else:
            self._free += 1
