"""Sessions of Gradio's queue: owners, limits and expiry.

Gradio identifies a session by a hash that the client makes up or by an event id, sends its results
to any client that names it, and stores them without end. Here a session belongs to the account that
called first, calls per account are limited, and unread results expire.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pathviewer.server import user_messages
from pathviewer.server.gradio_requests import CallRefused

IDLE_SECONDS = 600.0
"""An unread result is dropped after this time, s."""
SWEEP_SECONDS = 30.0
MOST_SESSIONS = 1_000
"""Most sessions of all accounts: fewer than Gradio stores messages for, so that Gradio drops
none."""
SESSIONS_PER_ACCOUNT = 64
MOST_STATES = 64
"""Sessions whose component state Gradio stores, about 140 KB each. The page has no state, so a
dropped one is simply recreated."""
MOST_WORKERS = 400
"""Most calls in progress of all accounts; most of them only wait for the model."""


@dataclass
class GradioSession:
    """One session of Gradio's queue."""

    owner: str
    """Owner that called first, from `owner_of`."""

    used: float
    """Time of last use, monotonic clock, s."""

    has_listener: bool = False
    """Whether a stream of its results is open."""


class GradioSessions:
    """Sessions of one page; used from the event loop."""

    def __init__(self, page: Any, calls_per_account: int) -> None:
        self.page = page
        """The page."""
        self.idle_seconds = IDLE_SECONDS
        """An unread result is dropped after this time, s."""
        self.most = MOST_SESSIONS
        """Most sessions of all accounts; beyond it a session is dropped, if possible of the same
        account."""
        self.sweep_seconds = SWEEP_SECONDS
        """Interval of the expiry check, s."""
        self._queue = page._queue
        self._most_calls = calls_per_account
        self._sessions: dict[str, GradioSession] = {}
        self._starting = Counter[str]()
        self._timer: asyncio.TimerHandle | None = None
        bound_queue(page)

    def __len__(self) -> int:
        return len(self._sessions)

    def counts(self) -> dict[str, float]:
        """Return the number of sessions by kind: those of an account, those that Gradio stores
        messages for but that belong to nobody, and those whose component state it stores."""
        queue = self._queue
        stored = {*queue.pending_messages_per_session, *queue.pending_event_ids_session}
        return {
            "owned": len(self._sessions),
            "unowned": len(stored - self._sessions.keys()),
            "states": len(self.page.state_holder.session_data),
        }

    def session_of_event(self, event_id: str) -> str:
        """Return the session that receives an event's result; the event id if there is no other."""
        event = self._queue.event_ids_to_events.get(event_id)
        if event is not None:
            return str(event.session_hash)
        pending = self._queue.pending_event_ids_session.items()
        return next((name for name, ids in pending if event_id in ids), event_id)

    def check(self, name: str, owner: str) -> GradioSession:
        """Return the session; raises CallRefused for another owner's, as for an unknown one."""
        session = self._sessions.get(name)
        if session is None or session.owner != owner:
            raise CallRefused(user_messages.NO_SUCH_CALL, 404, "not_found")
        session.used = time.monotonic()
        return session

    def check_not_others(self, name: str | None, owner: str) -> None:
        """Raise CallRefused if the session belongs to another owner."""
        if name is not None and name in self._sessions:
            self.check(name, owner)

    @contextmanager
    def reserve_call(self, name: str | None, owner: str) -> Iterator[None]:
        """Reserve room for the request that starts a call. Raises CallRefused if there is none."""
        self.check_not_others(name, owner)
        if self._in_progress(owner) >= self._most_calls:
            raise CallRefused(
                user_messages.too_many_calls_of_account(self._most_calls),
                503,
                "too_many_calls",
            )
        self._make_room(owner)
        self._starting[owner] += 1
        try:
            yield
        finally:
            self._starting[owner] -= 1
            if not self._starting[owner]:
                del self._starting[owner]

    def note_call(self, name: str, owner: str) -> None:
        """Record the session of a started call."""
        session = self._sessions.setdefault(name, GradioSession(owner, time.monotonic()))
        session.used = time.monotonic()
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.sweep_seconds, self._sweep, loop)

    @contextmanager
    def open_stream(self, name: str, owner: str) -> Iterator[None]:
        """Hold a stream of a session's results open. Raises CallRefused.

        A session has one stream at a time: two would split the messages between them.
        """
        session = self.check(name, owner)
        if name not in self._queue.pending_messages_per_session:
            raise CallRefused(user_messages.RESULT_EXPIRED, 404, "not_found")
        if session.has_listener:
            raise CallRefused(user_messages.RESULT_TAKEN_ELSEWHERE, 409, "conflict")
        session.has_listener = True
        try:
            yield
        finally:
            session.has_listener, session.used = False, time.monotonic()

    def _in_progress(self, owner: str) -> int:
        names = [name for name, one in self._sessions.items() if one.owner == owner]
        return self._starting[owner] + sum(len(self._unfinished(name)) for name in names)

    def _unfinished(self, name: str) -> list[str]:
        """Return the session's queued and running events."""
        pending = self._queue.pending_event_ids_session.get(name, ())
        return [each for each in pending if each in self._queue.event_ids_to_events]

    def _make_room(self, owner: str) -> None:
        """Drop the oldest idle session if there are too many."""
        names = [name for name, one in self._sessions.items() if one.owner == owner]
        if len(names) + self._starting[owner] >= SESSIONS_PER_ACCOUNT:
            self._drop_oldest(names)
        elif len(self._sessions) + self._starting.total() >= self.most:
            self._drop_oldest(
                [name for name in names if self._is_idle(name)] or self._list_busiest_idle()
            )

    def _list_busiest_idle(self) -> list[str]:
        """Return the idle sessions of the owner with the most."""
        idle = [name for name in self._sessions if self._is_idle(name)]
        counts = Counter(self._sessions[name].owner for name in idle)
        most = max(counts, key=counts.__getitem__, default="")
        return [name for name in idle if self._sessions[name].owner == most]

    def _drop_oldest(self, names: list[str]) -> None:
        idle = [name for name in names if self._is_idle(name)]
        if not idle:
            raise CallRefused(user_messages.TOO_MANY_CALLS, 503, "too_many_calls")
        self._drop(min(idle, key=lambda name: self._sessions[name].used))

    def _is_idle(self, name: str) -> bool:
        return not self._sessions[name].has_listener and not self._unfinished(name)

    def _drop(self, name: str) -> None:
        """Forget a session and everything that Gradio stores for it."""
        del self._sessions[name]
        self._queue.pending_messages_per_session.pop(name, None)
        self._queue.pending_event_ids_session.pop(name, None)
        states = self.page.state_holder
        states.session_data.pop(name, None)
        states.time_last_used.pop(name, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drop expired sessions; repeats while there are any."""
        now = time.monotonic()
        for name, session in list(self._sessions.items()):
            if not self._is_idle(name):
                session.used = now
            elif now - session.used >= self.idle_seconds or not self._has_result(name):
                self._drop(name)
        running = self._queue.event_ids_to_events
        self.page.app.iterators_to_reset.intersection_update(running)
        self._timer = (
            loop.call_later(self.sweep_seconds, self._sweep, loop) if self._sessions else None
        )

    def _has_result(self, name: str) -> bool:
        """Return whether the session has an unread result."""
        return bool(self._queue.pending_event_ids_session.get(name))


def bound_queue(page: Any) -> None:
    """Make Gradio store little of past calls; no public setting controls this."""
    page.state_holder.capacity = MOST_STATES
    queue = page._queue
    queue.max_thread_count = MOST_WORKERS
    # Statistics for a page that is closed here; Gradio recomputes them after each call.
    queue.ANALYTICS_MAX_EVENTS = 1
    queue.compute_analytics_summary = lambda _records: {"functions": {}}
