"""Process score of a reasoning trace: six events and formulas over them.

The same formulas serve the training reward, the page, which recomputes the score from a rater's
labels, and reports. They are PathVLM-R1's (arXiv 2504.09258), except for the step classes, which
are MedR-Bench's (arXiv 2503.04691).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
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

StepClass = Literal["Citation", "Repetition", "Reasoning", "Redundancy"]
STEP_CLASSES: tuple[StepClass, ...] = ("Citation", "Repetition", "Reasoning", "Redundancy")
"""Role of a step: cite the input, repeat, reason, or add nothing."""


EVENT_COST = 0.4
"""Part of integrity or knowledge that each event costs."""
RIGHT, WRONG = 1.0, 0.0
"""Outcome reward, and format reward, of a right and of a wrong one."""


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


def efficiency(classes: Sequence[StepClass]) -> float | None:
    """Reasoning steps as a share of all steps; None without steps."""
    return classes.count("Reasoning") / len(classes) if classes else None


def factuality(reasoning_steps_correct: Sequence[bool]) -> float | None:
    """Correct steps as a share of reasoning steps; None without any."""
    right = reasoning_steps_correct
    return sum(right) / len(right) if right else None


def completeness(reference_steps_hit: Sequence[bool]) -> float | None:
    """Share of a reference's steps found in the trace; None without a reference."""
    hit = reference_steps_hit
    return sum(hit) / len(hit) if hit else None


def kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Agreement of two raters beyond chance (Cohen 1960), one pair of labels per item.

    None where undefined: without items, or if both always gave the same single label.
    """
    count = len(pairs)
    if not count:
        return None
    left, right = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    by_chance = sum(left[label] * right[label] for label in left) / count**2
    seen = sum(first == second for first, second in pairs) / count
    return None if by_chance == 1 else (seen - by_chance) / (1 - by_chance)
