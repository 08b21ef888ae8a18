"""Region list: the slide's regions, with GeoJSON import and export."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def region_list(settings: Settings) -> gr.HTML:
    """Return the region list, in the middle of the left column."""
    return panel(settings, "regions/region_list.js", "pv-region-list")
