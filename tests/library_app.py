"""Small slides, and the routes around the library served to one account at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from pathviewer.api.responses import exception_handlers
from pathviewer.api.routes.regions import RegionRoutes
from pathviewer.api.routes.uploads import UploadRoutes
from pathviewer.auth.identity import LOCAL, SCOPE_KEY, Identity
from pathviewer.settings import Settings
from pathviewer.slides.intake_opener import Opener
from pathviewer.slides.library import SlideLibrary
from storage.database import Database
from tests.databases import new_database


def write_slide(path: Path, seed: int = 0, mpp: float | None = None) -> Path:
    """A tiled TIFF of 64 x 48 px that OpenSlide opens; another seed is another slide."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8)
    per_cm: dict[str, Any] = {}
    if mpp is not None:
        per_cm = {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": 3}
    tifffile.imwrite(path, pixels, tile=(16, 16), photometric="rgb", metadata=None, **per_cm)
    return path


def scanned(*folders: Path, database: Database, **options: Any) -> SlideLibrary:
    """A library that has looked through its folders once."""
    library = SlideLibrary(folders, database, **options)
    library.rescan()
    return library


@dataclass(frozen=True)
class LibraryApp:
    """The routes with what is behind them."""

    app: FastAPI
    """Without a guard: `seen_by` says who asks."""

    library: SlideLibrary
    """Scanned once."""

    database: Database
    """In the state folder."""

    def seen_by(self, identity: Identity = LOCAL) -> TestClient:
        """A client whose requests come from this account."""
        return TestClient(asked_by(self.app, identity))


def asked_by(app: ASGIApp, identity: Identity) -> ASGIApp:
    """The app behind something that, like the guard, says who asks."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, SCOPE_KEY: identity}, receive, send)

    return wrapped


@contextmanager
def library_app(settings: Settings, opener: Opener | None = None) -> Iterator[LibraryApp]:
    """The routes for regions and uploads over the slide folders of the settings.

    Uploads are opened by `opener`, in this process if it is not given.
    """
    database = new_database(settings.database)
    settings.uploads.mkdir(parents=True, exist_ok=True)
    folders = (*settings.slides, settings.uploads)
    library = SlideLibrary(
        folders, database, show_file_names=settings.show_file_names, uploads=settings.uploads
    )
    library.rescan()
    routes = [
        *RegionRoutes(library, database, settings.regions_per_account).router().routes,
        *UploadRoutes(library, database, settings, opener).router().routes,
    ]
    app = FastAPI(openapi_url=None, routes=routes, exception_handlers=exception_handlers())
    yield LibraryApp(app, library, database)
    database.close()
