"""What the page loads besides Gradio's own files: our scripts and styles, and the third party's."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pathviewer.settings import Settings

STATIC_PATH = "/ui"
ASSETS_PATH = "/vendor"
_HERE = Path(__file__).parent
_TYPES = (".js", ".css")


class _PageFiles(StaticFiles):
    """Scripts and styles of a folder, checked anew at each load, and nothing else of it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if PurePosixPath(path).suffix not in _TYPES:
            raise HTTPException(status_code=404)
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def page_routes(settings: Settings) -> list[BaseRoute]:
    """The routes under which the page finds its scripts and styles."""
    return [
        Mount(STATIC_PATH, app=_PageFiles(directory=_HERE / "static")),
        Mount(ASSETS_PATH, app=_PageFiles(directory=settings.assets, check_dir=False)),
    ]
