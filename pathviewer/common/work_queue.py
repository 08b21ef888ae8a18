"""Slow work in threads of its own: fair between accounts, bounded for each, dropped when unwanted.

`Lane` separates kinds of work, `AccountBounds` bounds what one account has in progress, and
`while_connected` drops the work of a client that has gone.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.settings import Settings

T = TypeVar("T")


class WorkKind(StrEnum):
    """Work of which an account may have only so much in progress; the value is its plural."""

    question = "questions"
    deletion_check = "deletion checks"
    preview = "previews"
    picture = "pictures"
    export = "exports"
    stream = "streams"
    tile = "tiles"

    def format_count(self, number: int) -> str:
        """`1 preview`, `2 previews`."""
        return f"{number} {self if number != 1 else self.removesuffix('s')}"


RETRY_SECONDS: Mapping[WorkKind, int] = {
    WorkKind.question: 10,
    WorkKind.deletion_check: 10,
    WorkKind.preview: 2,
    WorkKind.picture: 2,
    WorkKind.export: 30,
    WorkKind.stream: 10,
    WorkKind.tile: 1,
}
"""After how many seconds a client may try again: about what one such piece of work takes."""


class TooBusy(Exception):  # noqa: N818  the code of its JSON error
    """There is as much in progress as there may be; the message says what to wait for."""

    code: ClassVar[str] = "too_busy"
    status: ClassVar[int] = 503

    def __init__(self, message: str, retry_seconds: int) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds
        """When to try again, as in the header Retry-After."""


class ClientGone(Exception):  # noqa: N818  an event, not a mistake
    """The client closed its connection before the work was done; nobody reads the answer."""


class Slot:
    """One piece of work in progress, until it is released; releasing it twice does no harm."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """The work has ended, in whichever thread."""
        release, self._release = self._release, None
        if release is not None:
            release()


class AccountBounds:
    """How much work of each kind an account has in progress; may be used from any thread."""

    def __init__(
        self, limits: Mapping[WorkKind, int], totals: Mapping[WorkKind, int] | None = None
    ) -> None:
        """`limits` are those of one account, `totals` of all together; a kind that they do not
        name has no bound."""
        self._limits = limits
        self._totals = totals or {}
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, WorkKind]] = Counter()

    def check(self, account_id: str, kind: WorkKind) -> None:
        """Raises TooBusy where `take` would; for work that is prepared before its slot is taken."""
        with self._lock:
            self._check(account_id, kind)

    def take(self, account_id: str, kind: WorkKind) -> Slot:
        """A slot for work that ends later, in another thread. Raises TooBusy."""
        key = account_id, kind
        with self._lock:
            self._check(account_id, kind)
            self._counts[key] += 1
        return Slot(lambda: self._give_back(key))

    @contextmanager
    def slot(self, account_id: str, kind: WorkKind) -> Iterator[None]:
        """A slot for as long as the block lasts. Raises TooBusy."""
        slot = self.take(account_id, kind)
        try:
            yield
        finally:
            slot.release()

    def in_progress(self, kind: WorkKind) -> int:
        """How much of a kind all accounts together have in progress."""
        with self._lock:
            return self._total(kind)

    def _total(self, kind: WorkKind) -> int:
        return sum(count for (_, each), count in self._counts.items() if each is kind)

    def _check(self, account_id: str, kind: WorkKind) -> None:
        limit, count = self._limits.get(kind), self._counts[account_id, kind]
        if limit is not None and count >= limit:
            raise TooBusy(
                f"Your account has {kind.format_count(count)} in progress, and may have {limit}; "
                "wait until one has ended, or stop one, and try again.",
                RETRY_SECONDS[kind],
            )
        most, total = self._totals.get(kind), self._total(kind)
        if most is not None and total >= most:
            raise TooBusy(
                f"The server has {kind.format_count(total)} in progress, the most that it takes "
                "on; try again when one has ended.",
                RETRY_SECONDS[kind],
            )

    def _give_back(self, key: tuple[str, WorkKind]) -> None:
        with self._lock:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]


@dataclass
class _Queues:
    """What a lane has in one event loop."""

    shared: anyio.CapacityLimiter
    by_account: dict[str, anyio.CapacityLimiter] = field(default_factory=dict)
    """Of accounts that have work here."""
    users: Counter[str] = field(default_factory=Counter)


class Lane:
    """Threads for one kind of work, so that it takes none from another.

    Accounts take turns: each queues its own work, and where there are several threads none has all
    of them, so that another's work starts at once. Work that is cancelled while it waits for a
    thread never starts; work that has started keeps its thread until it ends, so that memory stays
    bounded, also where it waits for a reader whose answer nobody wants any more.
    """

    def __init__(self, threads: int, per_account: int | None = None) -> None:
        """`per_account` is how many of the threads one account may have; `None` for all but one."""
        self.threads = threads
        self.share = per_account or max(1, threads - 1)
        """Threads that one account may have at a time."""
        self._queues: RunVar[_Queues] = RunVar("lane")

    async def run(self, work: Callable[[], T], account_id: str = "") -> T:
        """What `work` gives, called in a thread, and its errors; from an event loop."""
        queues, name = self._loop_queues(), account_id
        account_limit = queues.by_account.setdefault(name, anyio.CapacityLimiter(self.share))
        queues.users[name] += 1
        try:
            async with account_limit:
                return await anyio.to_thread.run_sync(work, limiter=queues.shared)
        finally:
            queues.users[name] -= 1
            if not queues.users[name]:
                del queues.users[name], queues.by_account[name]

    def _loop_queues(self) -> _Queues:
        try:
            return self._queues.get()
        except LookupError:
            queues = _Queues(anyio.CapacityLimiter(self.threads))
            self._queues.set(queues)
            return queues


async def while_connected(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    """What `work` gives, unless the client goes first: then it is cancelled, ClientGone raised.

    Cancelling ends the wait for a `Lane`, not work that a thread has begun. The body of the
    request must have been read already.
    """
    with anyio.CancelScope() as scope:
        watcher = asyncio.ensure_future(_cancel_when_gone(request, scope))
        try:
            return await work()
        finally:
            watcher.cancel()
    raise ClientGone


async def _cancel_when_gone(request: Request, scope: anyio.CancelScope) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


WRITES = Lane(8)
"""Writing to the database: a locked one keeps no thread from those who only read."""

_CORES = os.cpu_count() or 1
_CHECK_THREADS = 8


class Work:
    """The lanes and bounds of one application."""

    def __init__(self, settings: Settings) -> None:
        self.accounts = AccountBounds(
            {
                WorkKind.question: settings.questions_per_account,
                WorkKind.deletion_check: settings.deletion_checks_per_account,
                WorkKind.preview: settings.previews_per_account,
                WorkKind.picture: settings.pictures_per_account,
                WorkKind.export: settings.exports_per_account,
                WorkKind.stream: settings.streams_per_account,
                WorkKind.tile: settings.tiles_per_account,
            },
            {
                WorkKind.question: settings.questions_in_progress,
                WorkKind.export: settings.exports_in_progress,
            },
        )
        """What each account may have in progress."""
        self.pictures = Lane(max(2, _CORES))
        """Reading pixels for people: regions, thumbnails, previews, the picture of a question."""
        self.checks = Lane(_CHECK_THREADS)
        """Deletion checks, which wait for the model."""
        self.maps = Lane(max(2, _CORES))
        """Reading attention maps."""
        self.insights = Lane(1)
        """Figures of the insights page, one at a time: they take a whole core."""

    async def run(
        self, request: Request, kind: WorkKind, account_id: str, lane: Lane, work: Callable[[], T]
    ) -> T:
        """What `work` gives, in a thread of the lane, within the bound, while the client waits.

        Raises TooBusy, ClientGone and what `work` raises.
        """
        with self.accounts.slot(account_id, kind):
            return await while_connected(request, lambda: lane.run(work, account_id))
