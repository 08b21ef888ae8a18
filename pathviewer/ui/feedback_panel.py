"""Feedback panel: verdict, labels, corrections and evidence of an answer."""

from __future__ import annotations

from typing import Any

import gradio as gr

from models.reward import ABSENCES
from pathviewer.feedback.vocabulary import EVENT_HINTS, STEP_CLASSES, STEP_EVENTS, VERDICTS
from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def judge_panel(settings: Settings) -> gr.HTML:
    """Return the feedback panel, below the trace."""
    return panel(
        settings, "feedback/feedback_panel.js", "pv-judge", vocabulary=feedback_vocabulary()
    )


def feedback_vocabulary() -> dict[str, Any]:
    """Return verdicts, absences, errors and step classes, in the words of the reward's events."""
    return {
        "verdicts": [
            {"name": name, "label": word.label, "about": word.sentence}
            for name, word in VERDICTS.items()
        ],
        "absences": [{"name": name, "sentence": text} for name, text in ABSENCES.items()],
        "errors": [
            {"name": name, "sentence": text, "hint": EVENT_HINTS.get(name)}
            for name, text in STEP_EVENTS.items()
        ],
        "classes": [{"name": name, "about": text} for name, text in STEP_CLASSES.items()],
    }
