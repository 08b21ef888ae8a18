"""The list of regions drawn on the slide, with GeoJSON import and export."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def region_list(settings: Settings) -> gr.HTML:
    """The middle of the left column."""
    return panel(settings, "regions/region_list.js", "pv-region-list")
