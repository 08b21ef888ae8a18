"""Server of `bench viewer`: the real application and a DeepZoomGenerator peer."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from openslide import OpenSlide
from openslide.deepzoom import DeepZoomGenerator

from pathviewer.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_PAGE = Path(__file__).parent / "viewer.html"


def peer_app(slide: Path) -> FastAPI:
    """Return tiles as in openslide-python's example: 254 + 1 px overlap, JPEG quality 75."""
    app = FastAPI(openapi_url=None)
    deepzoom = DeepZoomGenerator(OpenSlide(slide), tile_size=254, overlap=1)

    @app.get("/bench/page")
    def page() -> Response:
        return FileResponse(_PAGE)

    @app.get("/bench/slide.dzi")
    def description() -> Response:
        return Response(deepzoom.get_dzi("jpeg"), media_type="application/xml")

    @app.get("/bench/slide_files/{level}/{column}_{row}.jpeg")
    def tile(level: int, column: int, row: int) -> Response:
        buffer = io.BytesIO()
        deepzoom.get_tile(level, (column, row)).save(buffer, "jpeg", quality=75)
        return Response(buffer.getvalue(), media_type="image/jpeg")

    return app


class PeerBesideApp:
    """Sends `/bench/...` to the peer, everything else to the application."""

    def __init__(self, app: ASGIApp, peer: ASGIApp) -> None:
        self._app = app
        self._peer = peer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""
        mine = scope["type"] == "http" and scope["path"].startswith("/bench/")
        await (self._peer if mine else self._app)(scope, receive, send)


def beside_app(data: Path, shelf: Path, slide: Path) -> ASGIApp:
    """Return the application with the slide of `shelf`, and the peer with `slide`.

    The tile cache is 1 MiB, so that repeated journeys find as few of our tiles cached as the
    peer's.
    """
    from pathviewer.server.application import create_app

    ours = create_app(Settings(data=data, slides=(shelf,), tile_cache_mib=1))
    return PeerBesideApp(ours, peer_app(slide))
