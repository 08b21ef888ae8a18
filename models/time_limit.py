"""Time limits for work that depends on a checkpoint's files: its chat template and tokenizer."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from models import user_messages
from models.errors import CheckpointError

T = TypeVar("T")

TEXT_SECONDS = 20.0
"""Limit of processor time for turning a question into tokens, which usually takes milliseconds."""

STUCK_EXIT_CODE = 3
"""Exit code of a process that could not be stopped otherwise, because library code did not end."""

_patience: list[float] = []
"""Time over the limit after which the process ends; empty if it must not end."""


class _TextTimeout(BaseException):
    """Raised in the thread that exceeds the limit; nothing in between catches it."""


def end_when_stuck(seconds: float = 2 * TEXT_SECONDS) -> None:
    """Let this process exit with `STUCK_EXIT_CODE` if text work cannot be stopped otherwise.

    For a dedicated process that is restarted: the model's.
    """
    _patience[:] = [seconds]


def run_within_text_limit(work: Callable[[], T], seconds: float = TEXT_SECONDS) -> T:
    """Return the result of `work`, limited to `seconds` of this thread's processor time.

    Raises CheckpointError if it takes longer or if the tokenizer's library gives up. Python code is
    stopped at once, a library's own code only at its end, unless `end_when_stuck` was called.
    """
    watch = _Watch(seconds)
    try:
        try:
            return work()
        finally:
            watch.end()
    except _TextTimeout:
        watch.end()  # the timeout, which occurs at most once, may have come within `end`
        raise CheckpointError(user_messages.tokenizer_too_slow(TEXT_SECONDS)) from None
    except BaseException as error:
        # a panic of a Rust library, such as for a regular expression that takes too many steps
        if type(error).__name__ != "PanicException":
            raise
        raise CheckpointError(user_messages.TOKENIZER_FAILED) from None


class _Watch:
    """Watches the thread that creates it, until `end`."""

    def __init__(self, seconds: float) -> None:
        self._thread_id = threading.get_ident()
        self._clock = _thread_clock(self._thread_id)
        self._most = self._clock() + seconds
        self._pause = min(1.0, seconds)
        self._over = threading.Event()
        self._ending = threading.Lock()
        threading.Thread(target=self._run, name="text watch", daemon=True).start()

    def end(self) -> None:
        """Stop watching the thread."""
        with self._ending:
            self._over.set()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread_id), None)

    def _run(self) -> None:
        stopped = False
        while not self._over.wait(self._pause):
            used = self._clock()
            if used > self._most and not stopped:
                stopped = self._stop()
            if _patience and used > self._most + _patience[0]:
                os._exit(STUCK_EXIT_CODE)

    def _stop(self) -> bool:
        with self._ending:
            if not self._over.is_set():
                # the only way to raise an exception in a thread other than the main one
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread_id), ctypes.py_object(_TextTimeout)
                )
        return True


def _thread_clock(thread_id: int) -> Callable[[], float]:
    """Processor time of a thread in seconds, or of the process where threads have no clock."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.process_time
    clock = time.pthread_getcpuclockid(thread_id)
    return lambda: time.clock_gettime(clock)
