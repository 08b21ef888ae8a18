"""Daemon thread that runs work in sequence and does not delay the end of the program."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

_log = logging.getLogger(__name__)


class DaemonThread:
    """Run work in order in a daemon thread.

    The interpreter waits for executor threads at exit, even for one that is blocked on a disk. It
    does not wait for this thread.
    """

    def __init__(self, name: str) -> None:
        """Set the thread's name; the thread starts with the first work."""
        self._name = name
        self._work: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], object]) -> None:
        """Queue the work; an error that it raises is logged."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._work.put(work)

    def stop(self) -> None:
        """End the thread after the queued work, without waiting."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception:  # noqa: BLE001  later work is unrelated
                _log.exception("Work of the thread %s failed.", self._name)
