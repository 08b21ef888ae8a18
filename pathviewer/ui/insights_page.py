"""Insights page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pathviewer.auth.roles import Action
from pathviewer.ui.html_page import html_page_route
from pathviewer.ui.page_files import PLOTLY_PATH

if TYPE_CHECKING:
    from starlette.routing import Route

    from pathviewer.settings import Settings


def insights_page_route(settings: Settings) -> Route:
    """Return the page's route; needs `see_insights`."""
    plotly = f"{PLOTLY_PATH}/plotly.min.js"
    return html_page_route(settings, "insights", Action.see_insights, plotly=plotly)
