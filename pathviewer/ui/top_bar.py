"""Top bar: slide, messages, "Not for diagnosis", user."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def top_bar(settings: Settings) -> gr.HTML:
    """Return the top bar."""
    return panel(settings, "core/top_bar.js", "pv-top")
