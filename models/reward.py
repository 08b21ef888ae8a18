"""Reward of a completion: six events of its trace, and the formulas over them.

The same formulas serve training, the page, which computes the reward of a rater's feedback, and
exports. They are PathVLM-R1's (arXiv 2504.09258):

    integrity = max(0, 1 - EVENT_COST * m)    m absences of 3
    knowledge = max(0, 1 - EVENT_COST * e)    e kinds of error of 3, however many steps have them
    process   = (integrity + knowledge) / 2   0 for a completion without steps
    total     = the sum of process, accuracy and format, each times its weight in WEIGHTS

Accuracy is the outcome reward; it is called `outcome` where a rater's verdict gives it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

ABSENCES: Mapping[str, str] = {
    "missing_image_features": "No feature of the picture is described and used.",
    "missing_option_elimination": "No other option or diagnosis is weighed and ruled out.",
    "missing_knowledge": "No medical knowledge is named that supports the conclusion.",
}
"""Absences of a whole trace by event name; at most once per trace."""

ERRORS: Mapping[str, str] = {
    "wrong_definition": "A histological term is defined or used wrongly.",
    "contradiction": "A statement contradicts another one of the trace or does not follow.",
    "wrong_criterion": "A diagnostic criterion is outdated or incorrect.",
}
"""Errors of a step by event name."""

OUTSIDE_FORMULA: Mapping[str, str] = {
    "not_in_region": "Something is described that is not in this region.",
}
"""Events recorded with a step but outside the formulas."""

EVENTS: Mapping[str, str] = {**ABSENCES, **ERRORS, **OUTSIDE_FORMULA}
"""All events with a sentence describing each."""

EVENT_COST = 0.4
"""Part of integrity or knowledge that each event costs."""
RIGHT, WRONG = 1.0, 0.0
"""Accuracy of a right and of a wrong answer, and reward of a right and of a wrong format."""
WITHOUT_STEPS = 0.0
"""Process reward of a completion without steps: writing nothing must not avoid the penalty."""

RewardPart = Literal["process", "accuracy", "format"]
WEIGHTS: Mapping[RewardPart, float] = {"process": 1.0, "accuracy": 1.0, "format": 1.0}
"""Weights in the total; a training config may state others."""
HIGHEST_TOTAL = RIGHT * sum(WEIGHTS.values())
"""Total of a right answer in the right format after a trace without events."""


@dataclass(frozen=True)
class ProcessScore:
    """Scores from the events of one trace, each from 0 to 1."""

    integrity: float
    """Completeness: max(0, 1 - EVENT_COST m), for m absences out of 3."""
    knowledge: float
    """Correctness: max(0, 1 - EVENT_COST e), for e kinds of error out of 3."""

    @property
    def reward(self) -> float:
        """R_process: the mean of the two."""
        return (self.integrity + self.knowledge) / 2


def score_events(events: Collection[str]) -> ProcessScore:
    """Score a trace from its events; an error on two steps counts once.

    Raises ValueError for an unknown event.
    """
    happened = set(events)
    if unknown := sorted(happened - set(EVENTS)):
        message = f"Unknown event: {', '.join(unknown)}; known are {', '.join(EVENTS)}."
        raise ValueError(message)
    return ProcessScore(_left(len(happened & set(ABSENCES))), _left(len(happened & set(ERRORS))))


def score_labels(absences: Collection[str], steps: Iterable[Collection[str]]) -> ProcessScore:
    """Score a trace from labels: absences of the whole trace, errors by step.

    Raises ValueError for an absence on a step or an error on the trace.
    """
    errors = {error for step in steps for error in step}
    if misplaced := sorted((set(absences) - set(ABSENCES)) | (errors & set(ABSENCES))):
        message = (
            f"{', '.join(misplaced)} is misplaced: absences belong to the trace, errors to steps."
        )
        raise ValueError(message)
    return score_events({*absences, *errors})


def _left(events: int) -> float:
    """1 minus EVENT_COST per event, at least 0."""
    return max(0.0, round(1 - EVENT_COST * events, 9))


def right_or_wrong(is_right: bool) -> float:
    """Reward of an answer or a format: RIGHT or WRONG."""
    return RIGHT if is_right else WRONG


def total_reward(process: float, accuracy: float, form: float) -> float:
    """Total reward: the sum of the parts, each times its weight."""
    parts: Mapping[RewardPart, float] = {"process": process, "accuracy": accuracy, "format": form}
    return sum(WEIGHTS[name] * value for name, value in parts.items())
