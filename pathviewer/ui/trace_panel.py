"""What the model writes about a question, step by step."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def trace_panel(settings: Settings) -> gr.HTML:
    """Below the form, in the right column."""
    return panel(settings, "questions/trace_panel.js", "pv-trace")
