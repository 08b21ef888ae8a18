"""Ask panel: the form of a question about the selected region."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def ask_panel(settings: Settings) -> gr.HTML:
    """Return the ask panel, in the right column."""
    return panel(settings, "questions/ask_panel.js", "pv-ask")
