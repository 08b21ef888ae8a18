"""Server-sent events of a question, told apart by `type`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator

from pathviewer.api.schemas.base import Response
from pathviewer.api.schemas.questions import Finish, Placement, Trace


class QueueEvent(Response):
    """The question waits for the model."""

    type: Literal["queued"]
    position: int
    """Number of questions before it."""


class StartEvent(Response):
    """The model reads the question."""

    type: Literal["started"]
    model: str
    placements: list[Placement]
    prompt_tokens: int | None


class FirstAnswerEvent(Response):
    """A blind question: nothing more follows before the first answer."""

    type: Literal["first_answer_wanted"]


class TextEvent(Response):
    """A completion up to now; at most 20 a second."""

    type: Literal["text"]
    index: int
    text: str
    trace: Trace


class AttentionEvent(Response):
    """The raw map of the newest passage, the mean over the layers; at most 20 a second."""

    type: Literal["attention"]
    index: int
    passage: str
    columns: int
    rows: int
    peak: float
    values: str
    """As in `Maps`."""
    image_share: float


class EndEvent(Response):
    """A completion that is complete and stored."""

    type: Literal["ended"]
    completion_id: str
    index: int
    text: str
    finish: Finish
    trace: Trace
    tokens: int
    seconds: float
    first_token_seconds: float | None


class NeutralQuestionEvent(Response):
    """All completions have ended; the neutral question runs."""

    type: Literal["comparing"]


class MapsEvent(Response):
    """The maps of a completion can be fetched."""

    type: Literal["maps"]
    index: int


class DoneEvent(Response):
    """The last event, also of a stopped question."""

    type: Literal["done"]


class FailureEvent(Response):
    """The last event of a question that failed."""

    type: Literal["failed"]
    code: str
    message: str


QuestionEvent = Annotated[
    QueueEvent
    | StartEvent
    | FirstAnswerEvent
    | TextEvent
    | AttentionEvent
    | EndEvent
    | NeutralQuestionEvent
    | MapsEvent
    | DoneEvent
    | FailureEvent,
    Discriminator("type"),
]
