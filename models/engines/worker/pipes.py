"""The program's end of the pipes to the model's process."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO, cast

from models.engines.worker.environment import child_environment
from models.engines.worker.messages import FromChild, ToChild
from models.time_limit import STUCK_EXIT_CODE, STUCK_SENTENCE

log = logging.getLogger("pathviewer")

STOP_SECONDS = 3.0
"""A child that has not ended so long after it was told to is killed."""


class ChildLink:
    """A child process and what is said between it and the program.

    It is started afresh, not forked: it has none of the program's sockets or modules. It ends when
    its standard input does, and so with the program, however that ended.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "models.engines.worker.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(os.environ),
        )
        self._to_child = cast("IO[bytes]", self._process.stdin)
        self._from_child = cast("IO[bytes]", self._process.stdout)
        self._sending = threading.RLock()  # the collector may cancel a request meanwhile

    @property
    def process_id(self) -> int:
        """The child's process id."""
        return self._process.pid

    def send(self, message: ToChild, call: bytes = b"") -> None:
        """Tell the child, with the pickled call if it is a Run.

        That the child has ended shows in `messages`, not here.
        """
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        with self._sending:
            try:
                self._to_child.write(data)
                self._to_child.write(call)
                self._to_child.flush()
            except (OSError, ValueError):  # it has ended, or is being stopped
                return

    def messages(self) -> Iterator[FromChild]:
        """What the child says, until it ends; one thread reads.

        A message that cannot be read, for want of memory say, ends the child: where the next one
        begins is not known.
        """
        with self._from_child as pipe:
            while True:
                try:
                    message = pickle.load(pipe)  # noqa: S301  our own child wrote it
                except (EOFError, OSError, pickle.UnpicklingError):
                    return  # ended, perhaps in the middle of a message
                except Exception:
                    log.exception("What the model's process said cannot be read; it is ended.")
                    self._process.kill()
                    return
                yield message

    def stop(self) -> str:
        """End the child if it has not ended; says how it ended, for a sentence."""
        if self._sending.acquire(timeout=STOP_SECONDS):
            with contextlib.suppress(OSError):
                self._to_child.close()
            self._sending.release()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return describe_exit(self._process.returncode)


def describe_exit(code: int) -> str:
    """An exit code in words."""
    if code == STUCK_EXIT_CODE:
        return STUCK_SENTENCE
    if code >= 0:
        return f"with code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
