"""What feedback consists of: each word with its label, its sentence and its reward.

Schemas, page, charts, exports and documents take the words from here. The words that the database
checks stand in `storage/feedback/vocabulary.py`, the events and their formula in
`models/reward.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.reward import ERRORS, OUTSIDE_FORMULA, RIGHT, WRONG
from storage.feedback.vocabulary import MOST_CONFIDENCE


@dataclass(frozen=True)
class VerdictWord:
    """A verdict for people, and its reward."""

    label: str
    """As on the page."""
    sentence: str
    """When to give it."""
    outcome: float | None
    """Outcome reward; None: the verdict says nothing about the answer."""


VERDICTS: Mapping[str, VerdictWord] = {
    "correct": VerdictWord("Correct", "The answer is right.", RIGHT),
    "partly_correct": VerdictWord(
        "Partly correct", "Right in part; say below what it should be.", WRONG
    ),
    "incorrect": VerdictWord(
        "Incorrect", "The answer is wrong; say below what it should be.", WRONG
    ),
    "unsure": VerdictWord("Unsure", "I cannot tell whether it is right.", None),
    "not_assessable": VerdictWord(
        "Not assessable", "It cannot be assessed from this region.", None
    ),
    "unsuitable_question": VerdictWord(
        "Unsuitable", "The question does not suit this region.", None
    ),
}
"""Verdicts of `storage.feedback.vocabulary.VERDICTS`, in the order of their keys."""

STEP_EVENTS: Mapping[str, str] = {**ERRORS, **OUTSIDE_FORMULA}
"""Events of a step, with a sentence each."""

EVENT_HINTS: Mapping[str, str] = {
    "not_in_region": "Nor so much or so many, or not there: “high” where it is moderate."
}
"""Further uses of an event; a wrong degree has no event of its own."""

STEP_CLASSES: Mapping[str, str] = {
    "Citation": "It repeats what was given: the question, the case.",
    "Repetition": "It repeats an earlier step.",
    "Reasoning": "It adds an observation or a conclusion.",
    "Redundancy": "It adds nothing to the answer.",
}
"""Roles of a step, with a sentence each; they are MedR-Bench's (arXiv 2503.04691)."""

CHOICES: Mapping[str, str] = {
    "left": "Left is better",
    "tie": "Tie",
    "both_bad": "Both bad",
    "right": "Right is better",
}
"""Votes of `storage.feedback.vocabulary.CHOICES` with their labels, in the order of the page."""

REASONS: Mapping[str, str] = {
    "wrong_finding": "Wrong finding",
    "right_answer_wrong_reason": "Right answer, wrong reason",
    "missed_finding": "Missed finding",
    "unsafe": "Unsafe",
    "too_long": "Too long",
}
"""Reasons for a vote with their labels."""


def confidence_text(confidence: int) -> str:
    """Return a confidence as reports write it, such as `sure 2 of 5`."""
    return f"sure {confidence} of {MOST_CONFIDENCE}"


def spoken(word: str) -> str:
    """Return a word of the vocabulary as charts and tables write it, such as `not assessable`."""
    return word.replace("_", " ")
