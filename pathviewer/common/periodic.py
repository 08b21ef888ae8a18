"""Work that is done again and again beside the server, in a thread of its own."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class PeriodicTask(ABC):
    """Does its `work` every so many seconds from `start` to `stop`."""

    def __init__(self, name: str, seconds: float, *, at_once: bool = False) -> None:
        """`name` is the thread's; the first work waits `seconds` too unless it is `at_once`."""
        self._seconds = seconds
        self._at_once = at_once
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the work that is under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    @abstractmethod
    def work(self) -> object:
        """What is done each time; an error that leaves it ends the thread."""

    def _run(self) -> None:
        if self._at_once:
            self.work()
        while not self._stopped.wait(self._seconds):
            self.work()
