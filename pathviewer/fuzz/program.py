"""The program in a process and a temporary state folder of its own, with its log."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from pathviewer.settings import read_settings
from pathviewer.ui.assets import ensure_assets

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
"""A start that takes longer has failed."""
STOP_SECONDS = 20.0


class FuzzError(Exception):
    """The server did not start; the message says what to do."""


@dataclass(frozen=True)
class Program:
    """A running server."""

    process: subprocess.Popen[bytes]
    """Its process."""

    base: str
    """Address of its pages, without a slash at the end."""

    state: Path
    """Its state folder."""

    log: Path
    """File that its standard error goes to."""

    def tracebacks(self) -> int:
        """Tracebacks in its log so far."""
        text = self.log.read_text(errors="replace")
        return len(re.findall(r"^Traceback \(most recent call last\)", text, re.MULTILINE))


@contextmanager
def running_program(slides: Path, model: str = "scripted", **settings: str) -> Iterator[Program]:
    """`serve` on a free port of 127.0.0.1; ended, and its folder removed, afterwards.

    `slides` is its folder of slides, `settings` are variables of its environment. Raises FuzzError.
    """
    assets = read_settings().assets
    ensure_assets(assets)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copytree(assets, folder / "state" / "assets")
        port = free_port()
        command = [sys.executable, "-m", "pathviewer", "serve", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--data", f"{folder}/state", "--model", model]
        command += ["--slides", str(slides)]
        own = {name: value for name, value in os.environ.items() if name[:11] != "PATHVIEWER_"}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=own | settings, stdout=log, stderr=log
            )
        program = Program(process, f"http://127.0.0.1:{port}", folder / "state", folder / "log")
        try:
            wait_for_start(program)
            yield program
        finally:
            stop(process)


def wait_for_start(program: Program) -> None:
    """Return once the health page answers; raises FuzzError."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and program.process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{program.base}/api/health").status_code == httpx.codes.OK:
                return
        time.sleep(0.05)
    raise FuzzError("The program did not start; `python -m pathviewer doctor` says why.")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process, by force if it does not end by itself."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    process.kill()
    process.wait()


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
