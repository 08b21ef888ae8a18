"""Routes of the plain HTML pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pathviewer.ui.compare_page import compare_page_route
from pathviewer.ui.export_page import export_page_route
from pathviewer.ui.insights_page import insights_page_route

if TYPE_CHECKING:
    from starlette.routing import Route

    from pathviewer.settings import Settings


def html_page_routes(settings: Settings) -> list[Route]:
    """Return the routes of the compare, insights and export pages."""
    return [
        compare_page_route(settings),
        insights_page_route(settings),
        export_page_route(settings),
    ]
