"""Static files of the page: our scripts and styles, and third-party JavaScript."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pathviewer.settings import Settings
from pathviewer.ui import user_messages

STATIC_PATH = "/ui"
ASSETS_PATH = "/vendor"
PLOTLY_PATH = f"{ASSETS_PATH}/plotly"
_HERE = Path(__file__).parent
_TYPES = (".js", ".css")


class _PageFiles(StaticFiles):
    """Serves only the scripts and styles of a folder; browsers revalidate them at each load."""

    async def check_config(self) -> None:
        """Accept a missing folder; its files answer 404."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if PurePosixPath(path).suffix not in _TYPES:
            raise HTTPException(status_code=404)
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def plotly_folder() -> Path:
    """Return the folder of plotly's JavaScript without importing plotly, which takes a second."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(user_messages.PLOTLY_MISSING)
    return Path(spec.origin).parent / "package_data"


def page_routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes of scripts and styles."""
    return [
        Mount(STATIC_PATH, app=_PageFiles(directory=_HERE / "static")),
        Mount(PLOTLY_PATH, app=_PageFiles(directory=plotly_folder())),
        Mount(ASSETS_PATH, app=_PageFiles(directory=settings.assets, check_dir=False)),
    ]
