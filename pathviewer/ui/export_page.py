"""Export page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pathviewer.auth.roles import Action
from pathviewer.ui.html_page import html_page_route

if TYPE_CHECKING:
    from starlette.routing import Route

    from pathviewer.settings import Settings


def export_page_route(settings: Settings) -> Route:
    """Return the page's route; needs `export`."""
    return html_page_route(settings, "export", Action.export)
