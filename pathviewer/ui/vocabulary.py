"""Words of feedback and numbers of the reward as the pages' scripts get them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.reward import ABSENCES, EVENT_COST, HIGHEST_TOTAL, RIGHT, WRONG
from pathviewer.feedback.vocabulary import (
    CHOICES,
    EVENT_HINTS,
    REASONS,
    STEP_CLASSES,
    STEP_EVENTS,
    VERDICTS,
    spoken,
)


def feedback_vocabulary() -> dict[str, Any]:
    """Return verdicts, absences, errors and step classes, and the constants of the reward."""
    return {
        "verdicts": [
            {"name": name, "label": word.label, "about": word.sentence, "outcome": word.outcome}
            for name, word in VERDICTS.items()
        ],
        "absences": [{"name": name, "sentence": text} for name, text in ABSENCES.items()],
        "errors": [
            {"name": name, "sentence": text, "hint": EVENT_HINTS.get(name)}
            for name, text in STEP_EVENTS.items()
        ],
        "classes": [{"name": name, "about": text} for name, text in STEP_CLASSES.items()],
        "reward": {
            "event_cost": EVENT_COST,
            "right": RIGHT,
            "wrong": WRONG,
            "highest": HIGHEST_TOTAL,
        },
    }


def vote_vocabulary() -> dict[str, Any]:
    """Return choices and reasons of a vote with their labels."""
    return {"choices": _labelled(CHOICES), "reasons": _labelled(REASONS)}


def verdict_words() -> dict[str, str]:
    """Return the words of the verdicts in running text, by verdict."""
    return {name: spoken(name) for name in VERDICTS}


def _labelled(labels: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "label": label} for name, label in labels.items()]
