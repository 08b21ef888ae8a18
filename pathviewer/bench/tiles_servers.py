"""Servers for benchmarks, each in its own process on a free port."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import uvicorn

from pathviewer.bench.load import LoadError
from pathviewer.bench.viewer_server import peer_app
from pathviewer.server.run import uvicorn_config
from pathviewer.settings import Settings

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

    from starlette.types import ASGIApp, Receive, Scope, Send

_START_SECONDS = 120
_STOP_SECONDS = 10


@dataclass(frozen=True)
class RunningServer:
    """A running server."""

    base: str
    """Its address."""

    process: psutil.Process
    """Its process."""

    @property
    def rss_mib(self) -> float:
        """Resident memory, MiB."""
        return float(self.process.memory_info().rss) / 2**20

    @property
    def cpu_s(self) -> float:
        """User and system CPU time so far, s."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def kill(self) -> None:
        """Kill it at once, like a power failure."""
        self.process.kill()


def our_app(data: Path, shelf: Path, cache_mib: int) -> ASGIApp:
    """Return the whole application, including guard and pages."""
    from pathviewer.server.application import create_app

    return create_app(Settings(data=data, slides=(shelf,), tile_cache_mib=cache_mib))


def peer(slide: Path) -> ASGIApp:
    """Return OpenSlide's DeepZoomGenerator on FastAPI."""
    return peer_app(slide)


def limit_app(size: int) -> ASGIApp:
    """Return an app with a constant response of `size` bytes: uvicorn's limit."""
    body = bytes(size)
    headers = [(b"content-type", b"image/jpeg"), (b"content-length", b"%d" % size)]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return app


@contextmanager
def serve_app(
    make: Callable[..., ASGIApp],
    *arguments: object,
    context: SpawnContext | ForkServerContext | None = None,
) -> Iterator[RunningServer]:
    """Serve `make(*arguments)` under uvicorn as in production. Raises LoadError.

    `context` starts its process; by default a new Python.
    """
    context = context or multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    # no daemon: daemons may not start the processes that read slides
    process = context.Process(target=_serve, args=(theirs, make, *arguments))
    process.start()
    theirs.close()
    try:
        port = _port(ours)
        _wait_for(port)
        yield RunningServer(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
    finally:
        process.terminate()
        process.join(_STOP_SECONDS)
        process.kill()


def _serve(connection: Connection, make: Callable[..., ASGIApp], *arguments: object) -> None:
    config = uvicorn_config(make(*arguments))
    bound = socket.create_server(("127.0.0.1", 0))
    connection.send(bound.getsockname()[1])
    uvicorn.Server(config).run(sockets=[bound])


def _port(connection: Connection) -> int:
    try:
        if connection.poll(_START_SECONDS):
            return int(connection.recv())
    except EOFError as error:
        raise LoadError("A server stopped while starting; the reason is above.") from error
    raise LoadError(f"A server did not start within {_START_SECONDS} s.")


def _wait_for(port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise LoadError(f"A server did not answer within {_START_SECONDS} s.")
