"""Events on their way to the program: tokens that come fast are told together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NoReturn

from models.engines.worker.messages import EventBatch
from models.messages import Event, Token

BUNDLE_SECONDS = 0.02
"""The most that a token waits for others. Every message wakes two threads of the program, and they
take a core from the network, which then waits for that one."""


class EventBundler:
    """Says events in bundles: a token at once if none was told just now, else with those that
    follow it within so many seconds; any other event at once, with the tokens before it."""

    def __init__(self, say: Callable[[EventBatch], None], seconds: float = BUNDLE_SECONDS) -> None:
        """`keep_time` must run in a thread of its own, or a last token waits for the next event."""
        self._say = say
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: list[Event] = []
        self._holding = threading.Event()
        self._said_at = float("-inf")

    def add(self, event: Event) -> None:
        """Say an event now or soon; events keep their order."""
        with self._lock:
            self._held.append(event)
            late = time.monotonic() - self._said_at >= self._seconds
            if late or not isinstance(event, Token):
                self._send()
            else:
                self._holding.set()

    def flush(self) -> None:
        """Say what is held."""
        with self._lock:
            self._send()

    def flush_periodically(self) -> NoReturn:
        """Let no token wait for longer, whether or not another comes; never returns."""
        while True:
            self._holding.wait()
            self._holding.clear()
            time.sleep(self._seconds)
            self.flush()

    def _send(self) -> None:
        if not self._held:
            return
        events, self._held = tuple(self._held), []
        if any(isinstance(event, Token) for event in events):  # `Started` keeps no token waiting
            self._said_at = time.monotonic()
        self._say(EventBatch(events))
