"""Feedback panel: verdict, labels, corrections and evidence of an answer."""

from __future__ import annotations

from typing import Any

import gradio as gr

from models.reward import ABSENCES, ERRORS, OUTSIDE_FORMULA, STEP_CLASSES
from pathviewer.settings import Settings
from pathviewer.ui.panel import panel

VERDICT_TEXTS = {
    "correct": ("Correct", "The answer is right."),
    "partly_correct": ("Partly correct", "Right in part; say below what it should be."),
    "incorrect": ("Incorrect", "The answer is wrong; say below what it should be."),
    "unsure": ("Unsure", "I cannot tell whether it is right."),
    "not_assessable": ("Not assessable", "It cannot be assessed from this region."),
    "unsuitable_question": ("Unsuitable", "The question does not suit this region."),
}
"""Label and meaning of every verdict, in the order of their shortcut keys."""

_STEP_CLASS_TEXTS = {
    "Citation": "It repeats what was given: the question, the case.",
    "Repetition": "It repeats an earlier step.",
    "Reasoning": "It adds an observation or a conclusion.",
    "Redundancy": "It adds nothing to the answer.",
}


_ERROR_HINTS = {
    "not_in_region": "Nor so much or so many, or not there: “high” where it is moderate."
}
"""Further uses of a step's error; a wrong degree has no error of its own."""


def judge_panel(settings: Settings) -> gr.HTML:
    """Return the feedback panel, below the trace."""
    return panel(
        settings, "feedback/feedback_panel.js", "pv-judge", vocabulary=feedback_vocabulary()
    )


def feedback_vocabulary() -> dict[str, Any]:
    """Return verdicts, absences, errors and step classes, in the words of the reward's events."""
    return {
        "verdicts": [
            {"name": name, "label": label, "about": about}
            for name, (label, about) in VERDICT_TEXTS.items()
        ],
        "absences": [{"name": name, "sentence": text} for name, text in ABSENCES.items()],
        "errors": [
            {"name": name, "sentence": text, "hint": _ERROR_HINTS.get(name)}
            for name, text in {**ERRORS, **OUTSIDE_FORMULA}.items()
        ],
        "classes": [{"name": name, "about": _STEP_CLASS_TEXTS[name]} for name in STEP_CLASSES],
    }
