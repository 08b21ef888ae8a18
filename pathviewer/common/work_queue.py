"""Slow work in threads: fair and bounded by account, cancelled when the client disconnects.

`Lane` separates kinds of work, `AccountBounds` bounds the work that an account has in progress, and
`while_connected` cancels the work of a client that disconnects.
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
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from pathviewer.common import user_messages
from pathviewer.common.errors import UserError

if TYPE_CHECKING:
    from starlette.types import Receive

    from pathviewer.settings import Settings

T = TypeVar("T")


class WorkKind(StrEnum):
    """Kind of work with a bound for each account; the value is its plural."""

    question = "questions"
    deletion_check = "deletion checks"
    evidence_map = "evidence maps"
    document = "documents"
    preview = "previews"
    picture = "pictures"
    export = "exports"
    stream = "streams"
    tile = "tiles"

    def format_count(self, number: int) -> str:
        """Return `1 preview` or `2 previews`."""
        return f"{number} {self if number != 1 else self.removesuffix('s')}"


RETRY_SECONDS: Mapping[WorkKind, int] = {
    WorkKind.question: 10,
    WorkKind.deletion_check: 10,
    WorkKind.evidence_map: 10,
    WorkKind.document: 2,
    WorkKind.preview: 2,
    WorkKind.picture: 2,
    WorkKind.export: 30,
    WorkKind.stream: 10,
    WorkKind.tile: 1,
}
"""Seconds after which a client may retry: roughly the duration of one such piece of work."""


class TooBusy(UserError):  # noqa: N818  the code of its JSON error
    """The limit of work in progress is reached; the message says what to wait for."""

    code = "too_busy"

    def __init__(self, message: str, retry_seconds: int) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds
        """Seconds until a retry, as in the header Retry-After."""


class ClientGone(Exception):  # noqa: N818  an event, not an error
    """The client disconnected before the work was done."""


class Slot:
    """One piece of work in progress, until released; releasing twice is harmless."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Release the slot, from any thread."""
        release, self._release = self._release, None
        if release is not None:
            release()


class AccountBounds:
    """Work in progress by account and kind; thread-safe."""

    def __init__(
        self, limits: Mapping[WorkKind, int], totals: Mapping[WorkKind, int] | None = None
    ) -> None:
        """Set `limits` of each account and `totals` of all; missing kinds are unbounded."""
        self._limits = limits
        self._totals = totals or {}
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, WorkKind]] = Counter()

    def check(self, account_id: str, kind: WorkKind) -> None:
        """Raise TooBusy if `take` would; for work that is prepared before it takes a slot."""
        with self._lock:
            self._check(account_id, kind)

    def take(self, account_id: str, kind: WorkKind) -> Slot:
        """Return a slot for work that ends later, in any thread. Raises TooBusy."""
        key = account_id, kind
        with self._lock:
            self._check(account_id, kind)
            self._counts[key] += 1
        return Slot(lambda: self._give_back(key))

    @contextmanager
    def slot(self, account_id: str, kind: WorkKind) -> Iterator[None]:
        """Hold a slot for the duration of the block. Raises TooBusy."""
        slot = self.take(account_id, kind)
        try:
            yield
        finally:
            slot.release()

    def in_progress(self, kind: WorkKind) -> int:
        """Number of pieces of work of this kind that all accounts have in progress."""
        with self._lock:
            return self._total(kind)

    def _total(self, kind: WorkKind) -> int:
        return sum(count for (_, each), count in self._counts.items() if each is kind)

    def _check(self, account_id: str, kind: WorkKind) -> None:
        limit, count = self._limits.get(kind), self._counts[account_id, kind]
        if limit is not None and count >= limit:
            raise TooBusy(
                user_messages.too_much_work_of_account(kind.format_count(count), limit),
                RETRY_SECONDS[kind],
            )
        most, total = self._totals.get(kind), self._total(kind)
        if most is not None and total >= most:
            raise TooBusy(
                user_messages.too_much_work(kind.format_count(total)),
                RETRY_SECONDS[kind],
            )

    def _give_back(self, key: tuple[str, WorkKind]) -> None:
        with self._lock:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]


@dataclass
class _Queues:
    """Limiters of a lane in one event loop."""

    shared: anyio.CapacityLimiter
    by_account: dict[str, anyio.CapacityLimiter] = field(default_factory=dict)
    """Accounts that have work in this lane."""
    users: Counter[str] = field(default_factory=Counter)


class Lane:
    """Threads reserved for one kind of work.

    Each account has its own queue and, with several threads, cannot occupy all of them, so another
    account's work starts at once. Work cancelled while queued never starts. Running work keeps its
    thread until it ends, even if its result is no longer needed; this bounds memory.
    """

    def __init__(self, threads: int, per_account: int | None = None) -> None:
        """Set the threads; `per_account` is the most for one account, `None` means all but one."""
        self.threads = threads
        self.share = per_account or max(1, threads - 1)
        """Most threads of one account at a time."""
        self._queues: RunVar[_Queues] = RunVar("lane")

    async def run(self, work: Callable[[], T], account_id: str = "") -> T:
        """Call `work` in a thread and return its result or raise its error; needs an event loop."""
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


class Client:
    """The client of a request, who may disconnect before the response."""

    def __init__(self, receive: Receive | None = None) -> None:
        """`receive` gives the request's ASGI events, its body excepted; None: never disconnects."""
        self._receive = receive

    async def wait_until_gone(self) -> None:
        """Return when the client has disconnected."""
        if self._receive is None:
            await anyio.sleep_forever()
        while (await self._receive())["type"] != "http.disconnect":  # type: ignore[misc]
            pass


async def while_connected(
    client: Client,
    work: Callable[[], Awaitable[T]],
    on_gone: Callable[[], None] | None = None,
) -> T:
    """Return the result of `work`; if the client disconnects first, cancel it and raise ClientGone.

    Cancelling ends the wait for a `Lane`, not work that runs in a thread; `on_gone` is called at
    once and can end that.
    """
    with anyio.CancelScope() as scope:
        watcher = asyncio.ensure_future(_cancel_when_gone(client, scope, on_gone))
        try:
            return await work()
        finally:
            watcher.cancel()
    raise ClientGone


async def _cancel_when_gone(
    client: Client, scope: anyio.CancelScope, on_gone: Callable[[], None] | None
) -> None:
    await client.wait_until_gone()
    if on_gone is not None:
        on_gone()
    scope.cancel()


WRITES = Lane(8)
"""Database writes: waiting for a locked database takes no thread from requests that only read."""
READS = Lane(16, 4)
"""All plain reads: rows, stored pictures, JSON of large answers. A quarter for each account, since
reads share the interpreter: more threads of one account would slow the others down."""

_CORES = os.cpu_count() or 1
_CHECK_THREADS = 8


def _account_bounds(settings: Settings) -> AccountBounds:
    """Return the bounds of each account and of all together."""
    return AccountBounds(
        {
            WorkKind.question: settings.questions_per_account,
            WorkKind.deletion_check: settings.deletion_checks_per_account,
            WorkKind.evidence_map: settings.evidence_maps_per_account,
            WorkKind.document: settings.documents_per_account,
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


class Work:
    """Lanes and bounds of one application."""

    def __init__(self, settings: Settings) -> None:
        self.accounts = _account_bounds(settings)
        """Bounds of each account."""
        self.pictures = Lane(max(2, _CORES))
        """Reading pixels for people: regions, thumbnails, previews, question pictures."""
        self.checks = Lane(_CHECK_THREADS)
        """Deletion checks, which wait for the model."""
        self.evidence = Lane(_CHECK_THREADS)
        """Finding evidence maps, which wait for the model."""
        self.maps = Lane(max(2, _CORES))
        """Reading attention maps."""
        self.documents = Lane(2)
        """Reports and slide maps: rendering one takes a core."""
        self.insights = Lane(1)
        """Figures of the insights page, one at a time, because each takes a whole core."""

    async def run(
        self,
        client: Client,
        kind: WorkKind,
        account_id: str,
        lane: Lane,
        work: Callable[[], T],
        on_gone: Callable[[], None] | None = None,
    ) -> T:
        """Return the result of `work`, run in the lane within the bound while the client is
        connected.

        `on_gone` is called when the client disconnects. Raises TooBusy, ClientGone and the errors
        of `work`.
        """
        with self.accounts.slot(account_id, kind):
            return await while_connected(client, lambda: lane.run(work, account_id), on_gone)
