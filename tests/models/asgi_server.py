"""An ASGI application under uvicorn, on a free port of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from tests.servers import wait_for_port


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """The application in a thread; its base URL."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{wait_for_port(server)}"
    finally:
        server.should_exit = True
        thread.join(30)
