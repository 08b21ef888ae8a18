"""Bundling of events on their way to the program: tokens in quick succession share a message."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NoReturn

from models.engines.worker.messages import EventBatch
from models.messages import Event, Token

BUNDLE_SECONDS = 0.02
"""Longest time that a token waits for others. Every message wakes two threads of the program, which
take a core from the network.
"""


class EventBundler:
    """Sends events in bundles.

    A token is sent at once unless another was sent within `seconds`; then it waits for those that
    follow in that time. Any other event is sent at once, with the tokens before it.
    """

    def __init__(self, say: Callable[[EventBatch], None], seconds: float = BUNDLE_SECONDS) -> None:
        """Run `flush_periodically` in its own thread, or a last token waits for the next event."""
        self._say = say
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: list[Event] = []
        self._holding = threading.Event()
        self._said_at = float("-inf")

    def add(self, event: Event) -> None:
        """Send an event now or soon; events keep their order."""
        with self._lock:
            self._held.append(event)
            late = time.monotonic() - self._said_at >= self._seconds
            if late or not isinstance(event, Token):
                self._send()
            else:
                self._holding.set()

    def flush(self) -> None:
        """Send the pending events."""
        with self._lock:
            self._send()

    def flush_periodically(self) -> NoReturn:
        """Send tokens that have waited for long enough; never returns."""
        while True:
            self._holding.wait()
            self._holding.clear()
            time.sleep(self._seconds)
            self.flush()

    def _send(self) -> None:
        if not self._held:
            return
        events, self._held = tuple(self._held), []
        if any(isinstance(event, Token) for event in events):  # `Started` delays no token
            self._said_at = time.monotonic()
        self._say(EventBatch(events))
