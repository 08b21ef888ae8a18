"""Feedback of one or several raters on a completion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator

from models.reward import ABSENCES
from pathviewer.api.schemas.base import BoxOut, OutlineOut, Response, Timestamp
from pathviewer.common.schema import OneOf
from pathviewer.feedback.vocabulary import CHOICES, REASONS, STEP_CLASSES, STEP_EVENTS
from storage.feedback.vocabulary import KINDS, UNDONE, VERDICTS

VerdictName = Annotated[str, OneOf(VERDICTS)]
ChoiceName = Annotated[str, OneOf(tuple(CHOICES))]
ReasonName = Annotated[str, OneOf(tuple(REASONS))]


class Reward(Response):
    """Reward that follows from a rater's verdict and labels; null without these."""

    process: float | None
    """0 to 1: mean of integrity and knowledge; 0 for a completion without steps."""
    integrity: float | None
    knowledge: float | None
    outcome: float | None
    """1 for a correct answer, 0 for an incorrect or partly correct one."""
    format: float
    """1 if the completion has the requested format, else 0."""
    total: float | None
    """Sum of process, outcome and format."""


class FeedbackReceiptOut(Response):
    """Stored feedback."""

    id: str
    created_at: Timestamp
    supersedes: str | None
    """Earlier feedback of the same kind."""
    reward: Reward


class _FeedbackOut(Response):
    id: str
    created_at: Timestamp
    supersedes: str | None
    completion: str
    kind: Annotated[str, OneOf(KINDS)]
    seconds: float | None
    overlay_seen: bool | None
    comment: str | None


class VerdictOut(_FeedbackOut):
    """A verdict."""

    kind: Literal["verdict"]
    verdict: VerdictName
    corrected_answer: str | None
    confidence: int | None


class StepLabelOut(Response):
    """Errors of a step; places in UTF-16 code units."""

    step: int
    events: list[Annotated[str, OneOf(tuple(STEP_EVENTS))]]
    quote: str | None
    start: int | None
    stop: int | None
    step_class: Annotated[str, OneOf(tuple(STEP_CLASSES))] | None


class LabelsOut(_FeedbackOut):
    """Labels."""

    kind: Literal["labels"]
    absences: list[Annotated[str, OneOf(tuple(ABSENCES))]]
    steps: list[StepLabelOut]


class StepEditOut(Response):
    """A step rewritten, or struck out if the text is null."""

    step: int
    text: str | None


class EditedTraceOut(_FeedbackOut):
    """Edits of the trace."""

    kind: Literal["edited_trace"]
    edited_steps: list[StepEditOut]
    edited_text: str


class EvidenceOut(_FeedbackOut):
    """An evidence region, level-0 pixels; null withdraws an earlier one."""

    kind: Literal["evidence"]
    box: BoxOut | None
    points: OutlineOut | None


class PreferenceOut(_FeedbackOut):
    """A vote."""

    kind: Literal["preference"]
    other: str
    left: str
    choice: Annotated[str, OneOf((*CHOICES, UNDONE))]
    """`undone` withdraws an earlier vote."""
    reasons: list[ReasonName] | None


AnyFeedback = Annotated[
    VerdictOut | LabelsOut | EditedTraceOut | EvidenceOut | PreferenceOut, Discriminator("kind")
]


class KindsOfFeedback(Response):
    """A rater's current feedback by kind; null for a kind without feedback."""

    verdict: VerdictOut | None
    labels: LabelsOut | None
    edited_trace: EditedTraceOut | None
    evidence: EvidenceOut | None


class OwnFeedback(KindsOfFeedback):
    """The caller's current feedback."""

    preferences: list[PreferenceOut]


class RaterFeedback(KindsOfFeedback):
    """Another rater's current feedback."""

    rater: str
    """Pseudonym."""


class CompletionFeedback(Response):
    """What the caller may see of a completion's feedback."""

    own: OwnFeedback
    history: list[AnyFeedback]
    """The caller's feedback, newest first."""
    others: list[RaterFeedback] | None
    """Null until the caller has given verdict and labels."""
    others_withheld: bool
    reward: Reward
