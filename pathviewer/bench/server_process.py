"""The program in its own process, on a state folder that outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from pathviewer.bench.load import LoadError
from pathviewer.bench.startup import free_port
from pathviewer.settings import read_settings
from pathviewer.ui.assets import ensure_assets

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
"""A longer start has failed, s."""
STOP_SECONDS = 20.0
MODEL_PROCESS = "models.engines.worker.process"
"""Module of the model's process."""


@dataclass
class ServerProcess:
    """`python -m pathviewer serve` on 127.0.0.1; it can be killed and restarted."""

    data: Path
    """State folder."""
    slides: Path
    """Folder of slides."""
    model: str
    """Model, or `none`."""
    database_url: str = ""
    """Database; empty for SQLite in the state folder."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables."""
    port: int = field(default_factory=free_port)
    """TCP port, the same after a restart."""
    process: subprocess.Popen[bytes] | None = None
    """Its process; None before the first start."""

    @property
    def base(self) -> str:
        """Address of its pages, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """File of its standard error, appended on each start."""
        return self.data / f"server-{self.port}.log"

    def start(self) -> None:
        """Start it and wait for its health page. Raises LoadError."""
        command = [sys.executable, "-m", "pathviewer", "serve", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--data", str(self.data)]
        command += ["--slides", str(self.slides), "--model", self.model]
        own = {name: value for name, value in os.environ.items() if name[:11] != "PATHVIEWER_"}
        own |= {"PATHVIEWER_DATABASE_URL": self.database_url, **self.environment}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=log, stderr=log)
        self.wait_for(lambda _: True)

    def wait_for(self, fits: Callable[[Mapping[str, Any]], bool]) -> None:
        """Wait until the health page satisfies `fits`. Raises LoadError."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.alive:
            with suppress(httpx.TransportError):
                answer = httpx.get(f"{self.base}/api/health")
                if answer.status_code == httpx.codes.OK and fits(answer.json()):
                    return
            time.sleep(0.05)
        raise LoadError(f"A server did not start or its model did not load: {self.last_words()}")

    def wait_for_model(self) -> None:
        """Wait until the model is ready. Raises LoadError."""
        if self.model != "none":
            self.wait_for(lambda health: bool(health["model"]["state"] == "ready"))

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Kill it with all its child processes, like a power failure."""
        if self.process is None:
            return
        everything = self.processes()
        for each in everything:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait(STOP_SECONDS)
        psutil.wait_procs(everything, STOP_SECONDS)

    def stop(self) -> None:
        """Terminate it like a person; kill it if it does not end."""
        if self.process is None:
            return
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.kill()

    def processes(self) -> Sequence[psutil.Process]:
        """Return the web process, then its child processes."""
        if self.process is None:
            return ()
        try:
            web = psutil.Process(self.process.pid)
            return (web, *web.children(recursive=True))
        except psutil.NoSuchProcess:
            return ()

    def model_processes(self) -> Sequence[psutil.Process]:
        """Return the model's processes; none with a scripted model."""
        return [each for each in self.processes()[1:] if MODEL_PROCESS in _command(each)]

    def reader_processes(self) -> Sequence[psutil.Process]:
        """Return the reader processes and their parent."""
        others = (MODEL_PROCESS, "multiprocessing.resource_tracker")
        return [
            each
            for each in self.processes()[1:]
            if not any(name in _command(each) for name in others)
        ]

    def parts(self) -> Mapping[str, Sequence[psutil.Process]]:
        """Return the web process, the model's and the readers, by name."""
        return {
            "web": self.processes()[:1],
            "model": self.model_processes(),
            "readers": self.reader_processes(),
        }

    def last_words(self) -> str:
        """Return the last line of its log."""
        lines = (
            self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        )
        return lines[-1] if lines else "its log is empty."


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def bring_assets(data: Path) -> None:
    """Link the viewer's JavaScript into a state folder, as after a first start."""
    assets = read_settings().assets
    ensure_assets(assets)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    (data / "assets").symlink_to(assets.absolute(), target_is_directory=True)


@contextmanager
def running_servers(*servers: ServerProcess) -> Iterator[None]:
    """Start servers and wait for their models; stop all afterwards. Raises LoadError."""
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait_for_model()
        yield
    finally:
        for server in servers:
            server.stop()
