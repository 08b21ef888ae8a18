"""Bounding work that a checkpoint's own files decide on: its chat template and its tokenizer."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from models.errors import CheckpointError

T = TypeVar("T")

TEXT_SECONDS = 20.0
"""Processor time in which a question must have become tokens; it takes milliseconds."""

STUCK_EXIT_CODE = 3
"""Exit code of a process that could only be ended: a library's own code went on and on."""

STUCK_SENTENCE = (
    f"because the checkpoint's chat template or tokenizer took more than {TEXT_SECONDS:.0f} "
    "seconds for this question"
)
"""How such a process ended, in words."""

_TOO_LONG = (
    f"The chat template or tokenizer of this checkpoint takes more than {TEXT_SECONDS:.0f} seconds "
    "for this question; choose another model, or copy the checkpoint again."
)
_TOO_HARD = (
    "The tokenizer of this checkpoint cannot split this question into tokens; choose another "
    "model, or copy the checkpoint again."
)
_patience: list[float] = []
"""By how much the limit may be exceeded before the process ends; empty where it must not end."""


class _TextTimeout(BaseException):
    """Raised in the thread that exceeds the limit; nothing between there and here catches it."""


def end_when_stuck(seconds: float = 2 * TEXT_SECONDS) -> None:
    """Let this process end, with the code `STUCK`, if text work cannot be stopped otherwise.

    For a process that does nothing else and is started again: the model's.
    """
    _patience[:] = [seconds]


def run_within_text_limit(work: Callable[[], T], seconds: float = TEXT_SECONDS) -> T:
    """What `work` gives, if it takes at most so much processor time of this thread.

    Raises CheckpointError when it takes longer, and when the tokenizer's library gives up. Python
    code is stopped where it is; a library's own code only at its end, unless `end_when_stuck`.
    """
    watch = _Watch(seconds)
    try:
        try:
            return work()
        finally:
            watch.end()
    except _TextTimeout:
        watch.end()  # the timeout, of which there is one at most, may have come within `end`
        raise CheckpointError(_TOO_LONG) from None
    except BaseException as error:
        # a Rust library's panic, such as a regular expression that takes too many steps
        if type(error).__name__ != "PanicException":
            raise
        raise CheckpointError(_TOO_HARD) from None


class _Watch:
    """Looks after the thread that makes it, until the end."""

    def __init__(self, seconds: float) -> None:
        self._thread_id = threading.get_ident()
        self._clock = _thread_clock(self._thread_id)
        self._most = self._clock() + seconds
        self._pause = min(1.0, seconds)
        self._over = threading.Event()
        self._ending = threading.Lock()
        threading.Thread(target=self._run, name="text watch", daemon=True).start()

    def end(self) -> None:
        """Leave the thread alone from now on."""
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
                # the one way to raise an exception in a thread that is not the main one
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread_id), ctypes.py_object(_TextTimeout)
                )
        return True


def _thread_clock(thread_id: int) -> Callable[[], float]:
    """Processor seconds of a thread, or of the process where threads have no clock."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.process_time
    clock = time.pthread_getcpuclockid(thread_id)
    return lambda: time.clock_gettime(clock)
