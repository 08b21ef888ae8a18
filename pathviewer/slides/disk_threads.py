"""Threads for disk access: a few for each disk, so that a disk that hangs blocks no other."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from functools import partial
from typing import ParamSpec, TypeVar

from pathviewer.slides import user_messages

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class DiskThreads(Executor):
    """Executor with at most `threads` daemon threads.

    Unlike those of `ThreadPoolExecutor`, they do not delay the end of the program if a disk hangs.
    A thread ends when there is no more work.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._threads = threads
        self._name = name
        self._changing = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._running = 0
        self._closed = False

    def submit(
        self,
        fn: Callable[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Result]:
        """Queue a call, as in `Executor`. Raises RuntimeError after `shutdown`."""
        future: Future[Result] = Future()
        work = partial(fn, *args, **kwargs)
        with self._changing:
            if self._closed:
                raise RuntimeError(user_messages.THREADS_SHUT_DOWN)
            self._waiting.append(partial(_run, future, work))
            if self._running >= self._threads:
                return future
            self._running += 1
        threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Accept no more work. Waits for nothing, because a disk may never answer."""
        with self._changing:
            self._closed = True

    def _work(self) -> None:
        while True:
            with self._changing:
                if not self._waiting:
                    self._running -= 1
                    return
                work = self._waiting.popleft()
            work()
            del work  # release its references before waiting


class DisksThreads:
    """One `DiskThreads` for each disk, made on first use."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = threads
        self._name = name
        self._changing = threading.Lock()
        self._of: dict[Hashable, DiskThreads] = {}
        self._closed = False

    def of(self, disk: Hashable) -> DiskThreads:
        """Return the threads of one disk, identified by any hashable value."""
        with self._changing:
            threads = self._of.setdefault(disk, DiskThreads(self._threads, self._name))
            if self._closed:
                threads.shutdown()
            return threads

    def close(self) -> None:
        """Accept no more work, without waiting for work in progress."""
        with self._changing:
            self._closed = True
            for threads in self._of.values():
                threads.shutdown()


def _run(future: Future[Result], work: Callable[[], Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  raised again by the caller of result()
        future.set_exception(error)
    else:
        future.set_result(result)
