"""Compare page: two completions side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pathviewer.attention.colour_maps import COLOUR_MAPS
from pathviewer.auth.roles import Action
from pathviewer.ui.html_page import html_page_route
from pathviewer.ui.page_files import ASSETS_PATH
from pathviewer.ui.vocabulary import vote_vocabulary

if TYPE_CHECKING:
    from starlette.routing import Route

    from pathviewer.settings import Settings


def compare_page_route(settings: Settings) -> Route:
    """Return the page's route; needs `judge`. `colours` holds the colour maps' RGB stops."""
    colours = {name: [list(stop) for stop in stops] for name, stops in COLOUR_MAPS.items()}
    return html_page_route(
        settings,
        "compare",
        Action.judge,
        library=f"{ASSETS_PATH}/openseadragon/openseadragon.min.js",
        colours=json.dumps(colours),
        vocabulary=json.dumps(vote_vocabulary()),
    )
