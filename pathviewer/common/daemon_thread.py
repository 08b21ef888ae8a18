"""A thread that does one thing after the other and never keeps the program from ending."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

_log = logging.getLogger(__name__)


class DaemonThread:
    """Runs what it is given in turn, in a thread that may be left behind.

    Threads of an executor are waited for when the interpreter ends, however long they wait for a
    disk; this one is not.
    """

    def __init__(self, name: str) -> None:
        """`name` is the thread's; it starts with the first work."""
        self._name = name
        self._work: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], object]) -> None:
        """Do this after all that was given before; an error that leaves it is logged."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._work.put(work)

    def stop(self) -> None:
        """End after what was given so far, without waiting for it."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception:  # noqa: BLE001  the next work is somebody else's
                _log.exception("Work of the thread %s failed.", self._name)
