"""Server start: front-end assets, demo slide, then uvicorn."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import socket
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from pathviewer.auth.access import AccessError
from pathviewer.operations.errors import UpkeepError
from pathviewer.server import user_messages
from pathviewer.server.connections import ConnectionLimits
from pathviewer.server.log_format import configure_logging, take_over_uvicorn
from pathviewer.server.packaging import copy_baked
from pathviewer.slides.demo_slide import demo_slide
from pathviewer.slides.errors import SlideError
from pathviewer.ui.assets import AssetsError, are_assets_ready, ensure_assets
from storage.errors import StorageError
from storage.private_files import make_private, make_private_folder

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from pathviewer.settings import Settings

log = logging.getLogger("pathviewer")

M_ARENA_MAX = -8
"""Parameter of glibc's `mallopt`: most heaps."""
HEAPS = 2
"""Heaps of glibc's malloc."""

FILES_BESIDE = 500
"""Open files besides connections: slides, the database, the worker."""


class ServeError(Exception):
    """The server could not start; the message gives the reason and the remedy."""


def serve(settings: Settings) -> None:
    """Serve until interrupted. Exits with one sentence if the server cannot start."""
    configure_logging(settings)
    try:
        run_server(settings)
    except (ServeError, AssetsError, StorageError, AccessError, UpkeepError) as error:
        sys.exit(f"PathViewer could not start. {error}")


def run_server(settings: Settings) -> None:
    """Prepare and run; raises the errors that `serve` reports."""
    limit_heaps()
    make_state_folder(settings)
    copy_baked(settings.baked, settings.data)
    if not are_assets_ready(settings.assets):
        log.info("Downloading the viewer's JavaScript from the npm registry; this happens once.")
        ensure_assets(settings.assets)
        make_private(settings.assets)
    from pathviewer.server.application import (  # Gradio takes seconds to import
        build_app,
        open_services,
    )

    listener = listen(settings)
    services = open_services(settings)
    app = build_app(services)
    freeze_collected_objects()
    threading.Thread(target=prepare_demo_slide, args=(settings,), daemon=True).start()
    raise_file_limit(settings.connection_limit + FILES_BESIDE)
    config = uvicorn_config(app, ConnectionLimits.from_settings(settings))
    take_over_uvicorn()
    server = uvicorn.Server(config)
    services.metrics.register_gauge(
        "connections", "Open connections.", partial(open_connections, server)
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:  # uvloop if installed
        runner.run(announce_and_serve(server, listener, settings))


def open_connections(server: uvicorn.Server) -> dict[str, float]:
    """Return the number of connected clients."""
    return {"http": len(server.server_state.connections)}


def uvicorn_config(app: ASGIApp, limits: ConnectionLimits | None = None) -> uvicorn.Config:
    """Return the uvicorn configuration for production, tests and benchmarks.

    Without `limits` the default settings apply.
    """
    return uvicorn.Config(
        app,
        http=(limits or ConnectionLimits()).protocol(),
        ws="none",  # no page uses WebSocket
        access_log=False,
        log_level="warning",
        proxy_headers=False,  # the guard decides which proxies to trust
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def limit_heaps() -> None:
    """Make glibc's malloc share few heaps among all threads; other libraries have no such number.

    By default it makes up to eight for each core. What a thread frees in one of them is neither
    used in another nor returned to the system: after 10,000 random requests 91 MiB were resident
    but free, with two heaps 16 MiB.
    """
    if "MALLOC_ARENA_MAX" in os.environ:  # glibc has read it
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(M_ARENA_MAX, HEAPS)


def freeze_collected_objects() -> None:
    """Exempt start-up objects from garbage collection.

    Scanning them, when a request creates many small values, blocked the server for half a second.
    """
    gc.collect()
    gc.freeze()


def raise_file_limit(needed: int) -> None:
    """Raise the limit of open files to `needed`, or as far as the system allows."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def make_state_folder(settings: Settings) -> None:
    """Create the state folder. Raises ServeError."""
    try:
        make_private_folder(settings.data)
    except OSError as error:
        raise ServeError(
            user_messages.state_folder_not_created(settings.data, error.strerror)
        ) from error


def listen(settings: Settings) -> socket.socket:
    """Return a socket bound to the configured address. Raises ServeError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ServeError(
            user_messages.cannot_listen(settings.host, settings.port, error.strerror)
        ) from error
    return listener


def prepare_demo_slide(settings: Settings) -> None:
    """Prepare the demo slide if there are no other slides; log a failure and go on."""
    if settings.slides and not settings.public_demo:
        return
    try:
        demo_slide(settings.demo)
        make_private(settings.demo)
    except (SlideError, OSError) as error:
        log.warning("There is no demo slide: %s", error)


async def announce_and_serve(
    server: uvicorn.Server, listener: socket.socket, settings: Settings
) -> None:
    """Run uvicorn and log the page's address once it answers."""
    task = asyncio.create_task(server.serve([listener]))
    while not server.started and not task.done():  # noqa: ASYNC110  uvicorn offers no event
        await asyncio.sleep(0.05)
    if server.started:
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = host, port, settings.root_path
        log.info("PathViewer is at http://%s:%d%s", *address, extra={"fields": {"port": port}})
    await task
