"""Program side of the pipes to the model's process."""

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

from models.engines import user_messages
from models.engines.worker.environment import child_environment
from models.engines.worker.messages import FromChild, ToChild
from models.time_limit import STUCK_EXIT_CODE, TEXT_SECONDS

log = logging.getLogger("pathviewer")

STOP_SECONDS = 3.0
"""Seconds after which a child that does not stop is killed."""


class ChildLink:
    """A child process and its pipes.

    It is spawned, not forked, so it has none of the program's sockets or modules. It exits when its
    standard input closes, and so with the program, however that ends.
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
        self._sending = threading.RLock()  # the garbage collector may cancel a request meanwhile

    @property
    def process_id(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def send(self, message: ToChild, call: bytes = b"") -> None:
        """Send a message to the child, with the pickled call if it is a RunCommand.

        If the child has exited, `messages` shows it, not this method.
        """
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        with self._sending:
            try:
                self._to_child.write(data)
                self._to_child.write(call)
                self._to_child.flush()
            except (OSError, ValueError):  # it has exited or is being stopped
                return

    def messages(self) -> Iterator[FromChild]:
        """Yield the child's messages until it exits; for one reader thread.

        An unreadable message, for example for lack of memory, ends the child, because the start of
        the next message is then unknown.
        """
        with self._from_child as pipe:
            while True:
                try:
                    message = pickle.load(pipe)  # noqa: S301  our own child wrote it
                except (EOFError, OSError, pickle.UnpicklingError):
                    return  # exited, perhaps within a message
                except Exception:
                    log.exception(
                        "A message of the model's process cannot be read; ending the process."
                    )
                    self._process.kill()
                    return
                yield message

    def stop(self) -> str:
        """Stop the child if it still runs; return how it ended, in words."""
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
        return user_messages.exit_stuck(TEXT_SECONDS)
    if code >= 0:
        return user_messages.exit_code(code)
    try:
        return user_messages.exit_signal_name(signal.Signals(-code).name)
    except ValueError:
        return user_messages.exit_signal_number(-code)
