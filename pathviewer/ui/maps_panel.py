"""Maps panel: display settings of attention maps on the slide."""

from __future__ import annotations

import gradio as gr

from models.attention import LEAST_IMAGE_SHARE, LOCALISED_SPREAD
from pathviewer.attention.colour_maps import COLOUR_MAPS
from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def maps_panel(settings: Settings) -> gr.HTML:
    """Return the maps panel, above the trace. `colours` holds the colour maps' RGB stops."""
    colours = {name: [list(stop) for stop in stops] for name, stops in COLOUR_MAPS.items()}
    limits = {"localised_spread": LOCALISED_SPREAD, "least_image_share": LEAST_IMAGE_SHARE}
    return panel(settings, "attention/maps_panel.js", "pv-maps", colours=colours, limits=limits)
