"""Time of `python app.py` to a served page and to a ready model."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from pathviewer.bench.load import LoadError
from pathviewer.settings import read_settings
from pathviewer.ui.assets import ensure_assets

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 120.0
"""A longer start is abandoned, s."""


@dataclass(frozen=True)
class StartFigures:
    """Seconds from the command to visible results."""

    page_s: float
    """To the page's first response."""
    ready_s: float
    """To a ready model."""


def measure_start(checkpoint: Path) -> StartFigures:
    """Run the application with a checkpoint folder and an empty state folder.

    Raises LoadError if the page or the model does not come up.
    """
    with tempfile.TemporaryDirectory() as made, program_in(Path(made), str(checkpoint)) as started:
        return measure_startup(started.program, started.base, started.began)


@dataclass(frozen=True)
class StartedProgram:
    """`python app.py` in its own process."""

    program: subprocess.Popen[bytes]
    """The process."""
    base: str
    """Address of its pages."""
    began: float
    """Start time, from `time.perf_counter`."""


@contextmanager
def program_in(folder: Path, model: str) -> Iterator[StartedProgram]:
    """Run the application with the slides in `folder/slides` and stop it afterwards.

    The viewer's JavaScript is already present, as after a first start.
    """
    settings = read_settings()
    ensure_assets(settings.assets)
    (folder / "slides").mkdir(exist_ok=True)
    shutil.copytree(settings.assets, folder / "state" / "assets")
    port = free_port()
    command = [sys.executable, *_served_by(ROOT), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--data", f"{folder}/state", "--slides", f"{folder}/slides", "--model", model]
    began = time.perf_counter()
    program = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield StartedProgram(program, f"http://127.0.0.1:{port}", began)
    finally:
        program.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            program.wait(10)
        program.kill()


def _served_by(root: Path) -> list[str]:
    """Return the arguments that serve the pages: `app.py`, or `serve` if it is not installed."""
    return ["app.py"] if (root / "app.py").is_file() else ["-m", "pathviewer", "serve"]


def measure_startup(program: subprocess.Popen[bytes], base: str, began: float) -> StartFigures:
    """Return the times of a program started at `began`."""
    with httpx.Client(base_url=base, timeout=MOST_SECONDS, follow_redirects=True) as client:
        page = wait_until(program, began, lambda: client.get("/").status_code == 200)
        ready = wait_until(program, began, lambda: model_is_ready(client))
    return StartFigures(page, ready)


def wait_until(
    program: subprocess.Popen[bytes], began: float, condition: Callable[[], bool]
) -> float:
    """Return the seconds from `began` until `condition` holds."""
    while time.perf_counter() - began < MOST_SECONDS and program.poll() is None:
        with suppress(httpx.TransportError):
            if condition():
                return time.perf_counter() - began
        time.sleep(0.02)
    raise LoadError("The program did not start; `python -m pathviewer doctor` says why.")


def model_is_ready(client: httpx.Client) -> bool:
    """Return whether the model is ready; raises LoadError if it never will be."""
    model = client.get("/api/health").json()["model"]
    if model["state"] in ("failed", "stopped"):
        raise LoadError(str(model["sentence"]))
    return bool(model["state"] == "ready")


def free_port() -> int:
    """Return a free TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
