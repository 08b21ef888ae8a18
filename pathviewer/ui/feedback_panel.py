"""Feedback panel: verdict, labels, corrections and evidence of an answer."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel
from pathviewer.ui.vocabulary import feedback_vocabulary


def judge_panel(settings: Settings) -> gr.HTML:
    """Return the feedback panel, below the trace."""
    return panel(
        settings, "feedback/feedback_panel.js", "pv-judge", vocabulary=feedback_vocabulary()
    )
