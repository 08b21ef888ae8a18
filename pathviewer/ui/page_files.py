"""What the page loads besides Gradio's own files: our scripts and styles, and the third party's."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pathviewer.settings import Settings

STATIC_PATH = "/ui"
ASSETS_PATH = "/vendor"
PLOTLY_PATH = f"{ASSETS_PATH}/plotly"
_HERE = Path(__file__).parent
_TYPES = (".js", ".css")


class _PageFiles(StaticFiles):
    """Scripts and styles of a folder, checked anew at each load, and nothing else of it."""

    async def check_config(self) -> None:
        """A folder that is missing has no files: 404, as for any other name."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if PurePosixPath(path).suffix not in _TYPES:
            raise HTTPException(status_code=404)
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def plotly_folder() -> Path:
    """Where the plotly package keeps its JavaScript; importing it would take a second."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("plotly is missing: pip install -r requirements.txt installs it.")
    return Path(spec.origin).parent / "package_data"


def page_routes(settings: Settings) -> list[BaseRoute]:
    """The routes under which the page finds its scripts and styles."""
    return [
        Mount(STATIC_PATH, app=_PageFiles(directory=_HERE / "static")),
        Mount(PLOTLY_PATH, app=_PageFiles(directory=plotly_folder())),
        Mount(ASSETS_PATH, app=_PageFiles(directory=settings.assets, check_dir=False)),
    ]
