"""The program in its own process and temporary state folder, with its log."""

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from pathviewer.settings import read_settings
from pathviewer.ui.assets import ensure_assets

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
"""A longer start has failed, s."""
STOP_SECONDS = 20.0


class FuzzError(Exception):
    """The server did not start; the message states the remedy."""


@dataclass(frozen=True)
class Program:
    """A running server."""

    process: subprocess.Popen[bytes]
    """Its process."""

    base: str
    """Address of its pages, without a trailing slash."""

    state: Path
    """Its state folder."""

    log: Path
    """File of its standard error."""

    environment: Mapping[str, str]
    """Environment of the server and of commands about its state folder."""

    def tracebacks(self) -> list[str]:
        """Return the tracebacks in its log so far."""
        text = self.log.read_text(errors="replace")
        return re.findall(
            r"^Traceback \(most recent call last\):\n(?: .*\n)*.*", text, re.MULTILINE
        )

    def command(self, *arguments: str) -> None:
        """Run a command on the server's state folder. Raises FuzzError."""
        run = subprocess.run(
            [sys.executable, "-m", "pathviewer", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            check=False,
        )
        if run.returncode:
            raise FuzzError(f"`{' '.join(arguments)}` failed: {run.stderr.decode()}")


@contextmanager
def running_program(slides: Path, model: str = "scripted", **settings: str) -> Iterator[Program]:
    """Run `serve` on a free port of 127.0.0.1; afterwards stop it and remove its folder.

    `slides` is its folder of slides, `settings` are environment variables. Raises FuzzError.
    """
    assets = read_settings().assets
    ensure_assets(assets)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copytree(assets, folder / "state" / "assets")
        port = free_port()
        command = [sys.executable, "-m", "pathviewer", "serve", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--model", model]
        own = {name: value for name, value in os.environ.items() if name[:11] != "PATHVIEWER_"}
        own |= settings | {"PATHVIEWER_DATA": f"{folder}/state", "PATHVIEWER_SLIDES": str(slides)}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=log, stderr=log)
        base = f"http://127.0.0.1:{port}"
        program = Program(process, base, folder / "state", folder / "log", own)
        try:
            wait_for_start(program)
            yield program
        finally:
            stop(process)


def wait_for_start(program: Program) -> None:
    """Wait until the health page answers; raises FuzzError."""
    until = time.monotonic() + START_SECONDS
    with httpx.Client(base_url=program.base) as client:
        while time.monotonic() < until and program.process.poll() is None:
            with suppress(httpx.TransportError):
                if client.get("/api/health").status_code == httpx.codes.OK:
                    return
            time.sleep(0.05)
    raise FuzzError("The program did not start; `python -m pathviewer doctor` says why.")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the process, by force if necessary."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    process.kill()
    process.wait()


def free_port() -> int:
    """Return a free TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
