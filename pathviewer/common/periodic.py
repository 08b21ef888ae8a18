"""Periodic background work in its own thread."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class PeriodicTask(ABC):
    """Call `work` at a fixed interval from `start` to `stop`."""

    def __init__(self, name: str, seconds: float, *, at_once: bool = False) -> None:
        """Name the thread; the first call waits `seconds` too, unless `at_once`."""
        self._seconds = seconds
        self._at_once = at_once
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)

    def start(self) -> None:
        """Start the thread; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, after work in progress."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    @abstractmethod
    def work(self) -> object:
        """Do the work once; an error that leaves this method ends the thread."""

    def _run(self) -> None:
        if self._at_once:
            self.work()
        while not self._stopped.wait(self._seconds):
            self.work()
