"""Feedback as a rater sends it, one shape a kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field

from models.reward import ABSENCES
from pathviewer.common.schema import MOST_LISTED, OneOf, Prose, Schema, Text, Words
from pathviewer.feedback.vocabulary import CHOICES, REASONS, STEP_CLASSES, STEP_EVENTS, VERDICTS
from pathviewer.questions.request import Points
from storage.feedback.vocabulary import (
    COMMENT_LENGTH,
    KEY_LENGTH,
    LEAST_CONFIDENCE,
    MOST_CONFIDENCE,
)

ANSWER_LENGTH = 1_000
STEP_LENGTH = 4_000
MOST_STEPS = 1_000
LARGEST_OFFSET = 2**31 - 1
"""Largest number of the database's columns."""
MOST_SECONDS = 1e12

Key = Annotated[str, Words(KEY_LENGTH)]
"""Chosen by the sender; the same key means the same submission."""
Id = Annotated[str, Words(KEY_LENGTH)]
Answer = Annotated[str, Prose(ANSWER_LENGTH, "The answer")]
Reasons = Annotated[list[Annotated[str, OneOf(tuple(REASONS))]], Field(max_length=MOST_LISTED)]
Confidence = Annotated[int, Field(ge=LEAST_CONFIDENCE, le=MOST_CONFIDENCE)]
"""1 is a guess, 5 is sure."""
Comment = Annotated[str, Prose(COMMENT_LENGTH, "The comment")]
CorrectedAnswer = Annotated[str, Prose(ANSWER_LENGTH, "The corrected answer")]
StepText = Annotated[str, Words(STEP_LENGTH)]
StepIndex = Annotated[int, Field(ge=0, le=LARGEST_OFFSET)]
Offset = Annotated[int, Field(ge=0, le=LARGEST_OFFSET)]
Seconds = Annotated[float, Field(ge=0, lt=MOST_SECONDS)]
EmptyAsNone = BeforeValidator(lambda value: None if value == "" else value)
"""An empty text counts as none."""


class FeedbackDetails(Schema):
    """What a rater may add to any feedback."""

    seconds: Seconds | None = None
    """Time spent, seconds; longer than a day counts as a day."""
    overlay_seen: bool | None = None
    """Whether the attention overlay was visible."""
    comment: Annotated[Comment | None, EmptyAsNone] = None
    """Free text."""


class _Feedback(FeedbackDetails):
    key: Key
    completion: Id
    """Id of the completion."""
    account: Text | None = None
    """Account that the page belongs to; refused if another one is logged in by now."""


class VerdictRequest(_Feedback):
    """A verdict on the answer."""

    kind: Literal["verdict"]
    verdict: Annotated[str, OneOf(tuple(VERDICTS))]
    corrected_answer: Annotated[CorrectedAnswer | None, EmptyAsNone] = None
    confidence: Confidence | None = None


class StepLabel(Schema):
    """Errors of a step."""

    step: StepIndex
    """From 0."""
    events: Annotated[
        list[Annotated[str, OneOf(tuple(STEP_EVENTS))]], Field(max_length=MOST_LISTED)
    ]
    quote: Annotated[Text | None, EmptyAsNone] = None
    """The words that are wrong; the whole step if none."""
    start: Offset | None = None
    """Place of the quote in the completion, UTF-16 code units; found if not given."""
    stop: Offset | None = None
    step_class: Annotated[str, OneOf(tuple(STEP_CLASSES))] | None = None


class LabelsRequest(_Feedback):
    """What the trace lacks, and the errors of its steps."""

    kind: Literal["labels"]
    absences: Annotated[list[Annotated[str, OneOf(tuple(ABSENCES))]], Field(max_length=MOST_LISTED)]
    steps: Annotated[list[StepLabel], Field(max_length=MOST_STEPS)]


class StepEdit(Schema):
    """A step rewritten or struck out."""

    step: StepIndex
    """From 0."""
    text: Annotated[StepText | None, EmptyAsNone] = None
    """The new text; none strikes it out."""


class EditedTraceRequest(_Feedback):
    """Edits of the trace; an empty list withdraws earlier ones."""

    kind: Literal["edited_trace"]
    edited_steps: Annotated[list[StepEdit], Field(max_length=MOST_STEPS)]


class EvidenceBox(Schema):
    """A rectangle in level-0 pixels."""

    x: Annotated[int, Field(ge=0, le=LARGEST_OFFSET)]
    y: Annotated[int, Field(ge=0, le=LARGEST_OFFSET)]
    width: Annotated[int, Field(ge=1, le=LARGEST_OFFSET)]
    height: Annotated[int, Field(ge=1, le=LARGEST_OFFSET)]


class EvidenceRequest(_Feedback):
    """The region that shows the answer; null withdraws an earlier one."""

    kind: Literal["evidence"]
    box: EvidenceBox | None
    points: Points | None = None
    """The outline as drawn, level-0 pixels."""


class PreferenceRequest(_Feedback):
    """A vote between two completions of the same question."""

    kind: Literal["preference"]
    other: Id
    """Id of the other completion."""
    left: Id
    """Id of the one that stood on the left."""
    choice: Annotated[str, OneOf(tuple(CHOICES))]
    reasons: Reasons | None = None


FeedbackRequest = Annotated[
    VerdictRequest | LabelsRequest | EditedTraceRequest | EvidenceRequest | PreferenceRequest,
    Discriminator("kind"),
]


class VoteRequest(FeedbackDetails):
    """A vote on a comparison, whose sides the server knows."""

    key: Key
    choice: Annotated[str, OneOf(tuple(CHOICES))]
    reasons: Reasons | None = None


class UndoRequest(Schema):
    """The withdrawal of a vote."""

    key: Key


class OwnAnswerRequest(Schema):
    """A person's own answer, given before they see the model's; final."""

    answer: Answer
    confidence: Confidence | None = None
