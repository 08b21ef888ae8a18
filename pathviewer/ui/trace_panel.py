"""Trace panel: the model's completions, step by step."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def trace_panel(settings: Settings) -> gr.HTML:
    """Return the trace panel, below the maps panel."""
    return panel(settings, "questions/trace_panel.js", "pv-trace")
