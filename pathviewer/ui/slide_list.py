"""Slide list, with search, upload, renaming and manual scale."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def slide_list(settings: Settings) -> gr.HTML:
    """Return the slide list, at the top of the left column."""
    return panel(settings, "viewer/slide_list.js", "pv-slide-list")
