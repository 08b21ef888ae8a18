"""A queue for password hashing, which takes 64 MiB and a core per password."""

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
"""Most waiting passwords; a hash takes a tenth of a second, so waits stay short."""


class TooManyLogins(Exception):  # noqa: N818  a response rather than an error
    """The queue is full."""


@dataclass(order=True)
class _Place:
    """One waiting password."""

    rank: int
    """Lower ranks go first."""
    number: int
    """Order of arrival."""
    ready: asyncio.Future[None] = field(compare=False)
    """Done when it may run; holds an error if it was displaced."""


class HashQueue:
    """Limits parallel hashing; the attempts most likely to be right go first.

    Used from one event loop.
    """

    def __init__(self, parallel: int = PARALLEL, most_waiting: int = MOST_WAITING) -> None:
        self._free = parallel
        self._most = most_waiting
        self._waiting: list[_Place] = []
        self._numbers = count()
        self._threads = anyio.CapacityLimiter(parallel)

    async def run(self, rank: int, work: Callable[[], T]) -> T:
        """Run `work` in a thread when its turn comes and return its result; low ranks go first.

        Raises TooManyLogins if the queue is full of equal or lower ranks, or if a lower rank
        displaces it.
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
        """Let the next one run."""
        if self._waiting:
            heapq.heappop(self._waiting).ready.set_result(None)
        else:
            self._free += 1
