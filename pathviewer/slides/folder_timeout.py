"""Calls on slide folders with a timeout; on a dead network share they may never return."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 20.0
"""Time that a folder may take for one call before it counts as unavailable."""


class FolderCalls:
    """Makes calls in threads, one for each folder and purpose at a time.

    A call that takes too long is abandoned with its thread. Until it returns, the folder counts as
    unavailable at once; when it does return, the next caller receives its late result.
    """

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._changing = threading.Lock()
        self._running: dict[tuple[str, Path], tuple[Future[Any], float]] = {}

    def call(self, purpose: str, folder: Path, work: Callable[[], T]) -> T:
        """Return the result of `work`, or raise its error or, after a timeout, OSError."""
        return self.calls(purpose, {folder: work})[folder]()

    def calls(
        self, purpose: str, works: dict[Path, Callable[[], T]]
    ) -> dict[Path, Callable[[], T]]:
        """Start one call for each folder at once; each returned function waits for a result."""
        futures = {folder: self._begin(purpose, folder, work) for folder, work in works.items()}

        def waiting(folder: Path, future: Future[T], until: float) -> Callable[[], T]:
            return lambda: self._result(purpose, folder, future, until)

        return {folder: waiting(folder, *each) for folder, each in futures.items()}

    def _begin(self, purpose: str, folder: Path, work: Callable[[], T]) -> tuple[Future[T], float]:
        """Return the call in progress and its deadline; several callers may wait for it."""
        with self._changing:
            running = self._running.get((purpose, folder))
            if running is not None:
                return running
            future: Future[T] = Future()
            until = time.monotonic() + self._patience
            self._running[purpose, folder] = future, until
        threading.Thread(
            target=_run, args=(future, work), name=f"folder-{purpose}", daemon=True
        ).start()
        return future, until

    def _result(self, purpose: str, folder: Path, future: Future[T], until: float) -> T:
        try:
            result = future.exception(max(0.0, until - time.monotonic()))
        except FutureTimeoutError:
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None
        with self._changing:
            if self._running.get((purpose, folder), (None, 0.0))[0] is future:
                del self._running[purpose, folder]
        if result is not None:
            raise result
        return future.result()


def _run(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001  raised again by the callers that wait
        future.set_exception(error)


def present(calls: FolderCalls, folders: Sequence[Path]) -> list[tuple[Path, int, int]]:
    """Return the available folders with device and inode.

    A folder that was removed and created again counts as another one.
    """
    waiting = calls.calls("stat", {folder: folder.stat for folder in folders})
    results = []
    for folder in folders:
        try:
            status = waiting[folder]()
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            results.append((folder, status.st_dev, status.st_ino))
    return results
