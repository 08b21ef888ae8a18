"""The line at the top: slide, messages, "Not for diagnosis", user."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def top_bar(settings: Settings) -> gr.HTML:
    """The line at the top of the page."""
    return panel(settings, "core/top_bar.js", "pv-top")
