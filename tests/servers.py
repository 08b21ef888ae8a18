"""Run the real application on a free port of this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from pathviewer.server.application import create_app
from pathviewer.server.connections import ConnectionLimits
from pathviewer.server.run import uvicorn_config
from tests.databases import lay_database

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from pathviewer.settings import Settings

START_SECONDS = 30


@contextmanager
def running(settings: Settings, port: int = 0) -> Iterator[str]:
    """The application of `settings` under uvicorn in a thread; its base URL. Port 0: a free one."""
    lay_database(settings.database)
    with serving(create_app(settings), port, ConnectionLimits.from_settings(settings)) as base:
        yield base


@contextmanager
def serving(app: ASGIApp, port: int = 0, limits: ConnectionLimits | None = None) -> Iterator[str]:
    """An application under uvicorn in a thread; its base URL."""
    server = uvicorn.Server(uvicorn_config(app, limits))
    listening = socket.create_server(("127.0.0.1", port))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{wait_for_port(server)}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


def wait_for_port(server: uvicorn.Server) -> int:
    """The port that a starting server was given."""
    until = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > until:
            message = f"The server did not start within {START_SECONDS} s."
            raise TimeoutError(message)
        time.sleep(0.02)
    return int(server.servers[0].sockets[0].getsockname()[1])
