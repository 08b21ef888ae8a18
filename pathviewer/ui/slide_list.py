"""The list of slides, with search, upload, names and scale by hand."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def slide_list(settings: Settings) -> gr.HTML:
    """The upper part of the left column."""
    return panel(settings, "viewer/slide_list.js", "pv-slide-list")
