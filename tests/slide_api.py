"""The slide and tile routes behind the real guard, on a folder of slides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from pathviewer.api.responses import exception_handlers
from pathviewer.api.routes.slides import SlideRoutes
from pathviewer.api.routes.tile import TileRoute
from pathviewer.auth.access import Access
from pathviewer.auth.guard import Guard
from pathviewer.common.work_queue import Work
from pathviewer.settings import Settings
from pathviewer.slides.library import SlideLibrary
from pathviewer.slides.slide_pool import SlidePool
from storage.database import Database
from tests.databases import new_database

Answer = TypeVar("Answer")
ORIGIN = "http://127.0.0.1:7860"


@dataclass(frozen=True)
class SlideApi:
    """An application with nothing but slides, open to whoever sits at this machine."""

    app: ASGIApp
    library: SlideLibrary
    pool: SlidePool
    database: Database

    def id_of(self, path: Path) -> str:
        """The id under which a file is served."""
        entry = self.library.find_by_path(path)
        if entry is None:
            raise LookupError(f"{path.name} is not listed")
        return entry.id

    def ask(self, use: Callable[[httpx.AsyncClient], Awaitable[Answer]]) -> Answer:
        """Run something that talks to the application, in an event loop of its own."""

        async def run() -> Answer:
            transport = httpx.ASGITransport(self.app)
            headers = {"Origin": ORIGIN}
            async with httpx.AsyncClient(
                transport=transport, base_url=ORIGIN, headers=headers
            ) as client:
                return await use(client)

        return asyncio.run(run())

    def get(self, path: str) -> httpx.Response:
        """One GET request."""
        return self.ask(lambda client: client.get(path))


@contextmanager
def slide_api(folder: Path, state: Path, **options: Any) -> Iterator[SlideApi]:
    """Serve the slides of `folder`; `options` are settings."""
    settings = Settings(data=state, slides=(folder,), **options)
    state.mkdir(exist_ok=True)
    database = new_database(settings.database)
    library = SlideLibrary((folder,), database)
    library.rescan()
    pool = SlidePool(library.locate, settings)
    access = Access(settings, database)
    tiles = TileRoute(pool, access.access_log)
    pages = FastAPI(
        openapi_url=None,
        routes=[
            *SlideRoutes(library, pool, database, settings, access.access_log, Work(settings))
            .router()
            .routes
        ],
        exception_handlers=exception_handlers(),
    )

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = tiles if tiles.matches(scope["path"]) else pages
        await chosen(scope, receive, send)

    try:
        yield SlideApi(Guard(dispatch, access, tiles.find_cached), library, pool, database)
    finally:
        pool.close()
        database.close()
