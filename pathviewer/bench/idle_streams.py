"""Processor time of a server while many clients wait for the events of one question."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pathviewer.bench.load import LoadError
from pathviewer.bench.server_process import ServerProcess, bring_assets, running_servers
from pathviewer.bench.storage_site import settings_of

if TYPE_CHECKING:
    import httpx

LIMIT_PERCENT = 2.0
"""Most that the idle streams may take of one core, percent."""
SETTLE_SECONDS = 3.0
"""Wait before each measurement, s: requests and start-up work have ended."""
WAITING_SCRIPT = """
seconds_per_token = 60
[[answer]]
texts = ["<think>Step 1: It waits.</think><answer>late</answer>"]
"""
BOX = {"x": 0, "y": 0, "width": 400, "height": 300}


@dataclass(frozen=True)
class IdleStreamFigures:
    """Processor time of the server's processes, percent of one core."""

    streams: int
    """Open event streams of one question."""
    idle_percent: float
    """Without streams, while the question waits for its first word."""
    streams_percent: float
    """What the streams add to it."""
    streams_limit_ratio: float
    """`streams_percent` over LIMIT_PERCENT."""


def measure_idle_streams(streams: int, seconds: float) -> IdleStreamFigures:
    """Measure a server for `seconds` without and with this many streams. Raises LoadError.

    The caller is logged in, so that the streams' checks of the login count.
    """
    with tempfile.TemporaryDirectory(prefix="bench-streams-") as made:
        server, token = _prepare(Path(made), streams)
        with running_servers(server), _log_in(server, token) as client:
            question_id = _ask(client)
            idle = _percent_of_core(server, seconds)
            with ExitStack() as stack:
                for _ in range(streams):
                    stack.enter_context(_open_stream(client, question_id))
                busy = _percent_of_core(server, seconds)
            client.post(f"/api/readings/{question_id}/stop")
    added = busy - idle
    return IdleStreamFigures(
        streams, round(idle, 2), round(added, 2), round(added / LIMIT_PERCENT, 3)
    )


def _prepare(folder: Path, streams: int) -> tuple[ServerProcess, str]:
    """Return a server with one slide and a script that waits, and its account's token."""
    from pathviewer.auth.account_admin import make_token
    from pathviewer.auth.roles import Role
    from pathviewer.slides.phantom import write_phantom
    from storage.accounts.store import add_account
    from storage.database import open_database

    data, slides, script = folder / "state", folder / "slides", folder / "waits.toml"
    slides.mkdir()
    write_phantom(slides / "a.tiff", width=2000, height=2000, seed=7)
    script.write_text(WAITING_SCRIPT, encoding="utf-8")
    bring_assets(data)
    database = open_database(settings_of(data, "").database)
    with database.session() as session:
        add_account(session, name="listener", role=Role.clinician)
        token = make_token(session, "listener", "bench", 1)
    database.close()
    limit = {"PATHVIEWER_STREAMS_PER_ACCOUNT": str(streams)}
    return ServerProcess(data, slides, f"scripted:{script}", environment=limit), token


def _log_in(server: ServerProcess, token: str) -> httpx.Client:
    import httpx

    return httpx.Client(
        base_url=server.base,
        headers={"Authorization": f"Bearer {token}"},
        limits=httpx.Limits(max_connections=None),
        timeout=30,
    )


def _ask(client: httpx.Client) -> str:
    (slide,) = client.get("/api/slides").raise_for_status().json()
    body = {"slide": slide["id"], "box": BOX, "question": "What is it?"}
    return str(client.post("/api/readings", json=body).raise_for_status().json()["id"])


@contextmanager
def _open_stream(client: httpx.Client, question_id: str) -> Iterator[None]:
    """Open a stream that has brought the last event for now. Raises LoadError."""
    with client.stream("GET", f"/api/readings/{question_id}/events") as answer:
        lines = answer.raise_for_status().iter_lines()  # kept: its end closes the connection
        if not any('"started"' in line for line in lines):
            raise LoadError("A stream ended before the question did.")
        yield


def _percent_of_core(server: ServerProcess, seconds: float) -> float:
    """Return the processor time of the server's processes over `seconds`, in percent."""
    time.sleep(SETTLE_SECONDS)
    began, used = time.perf_counter(), _processor_seconds(server)
    time.sleep(seconds)
    used = _processor_seconds(server) - used
    return 100 * used / (time.perf_counter() - began)


def _processor_seconds(server: ServerProcess) -> float:
    times = [process.cpu_times() for process in server.processes()]
    return sum(each.user + each.system for each in times)
