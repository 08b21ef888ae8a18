"""The routes of a server with default settings, to describe them."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from starlette.routing import BaseRoute

from pathviewer.questions.engine import NO_MODEL
from pathviewer.server.application import build_routes, open_services
from pathviewer.settings import Settings


def default_routes() -> list[BaseRoute]:
    """Return the routes of a server with default settings, which cannot answer."""
    with tempfile.TemporaryDirectory(prefix="pathviewer-") as folder:
        services = open_services(Settings(data=Path(folder), model=NO_MODEL, slides=()))
        with closing(services.database):
            return build_routes(services)
