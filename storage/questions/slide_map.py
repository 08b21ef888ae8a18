"""A slide's questions and feedback, as far as an account may see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from storage.blinding.conditions import feedback_is_visible, question_is_visible
from storage.blinding.policy import Viewer
from storage.tables import Completion, CurrentFeedback, Feedback, Question


@dataclass(frozen=True)
class MapQuestion:
    """A question about a region of a slide."""

    id: str
    """Id of the question."""
    question: str
    """Question as typed."""
    x: int
    """Left edge of the region, level-0 pixels."""
    y: int
    """Top edge of the region."""
    width: int
    """Width of the region."""
    height: int
    """Height of the region."""
    points: Sequence[Sequence[float]] | None
    """Outline as drawn, level-0 pixels; None for the region itself."""
    created_at: datetime
    """When it was asked, UTC."""


@dataclass(frozen=True)
class MapFeedback:
    """A current verdict or evidence region."""

    question_id: str
    """Id of the question."""
    verdict: str | None
    """None for an evidence region."""
    x: int | None
    """Left edge of the evidence region, level-0 pixels; None for a verdict."""
    y: int | None
    """Top edge of the evidence region."""
    width: int | None
    """Width of the evidence region."""
    height: int | None
    """Height of the evidence region."""
    points: Sequence[Sequence[float]] | None
    """Outline of the evidence region as drawn."""


def list_map_questions(
    session: Session, slide_id: str, viewer: Viewer, limit: int
) -> list[MapQuestion]:
    """Newest questions on a slide that an account may see."""
    columns = [getattr(Question, name) for name in MapQuestion.__dataclass_fields__]
    questions = (
        select(*columns)
        .where(Question.slide_id == slide_id, question_is_visible(viewer))
        .order_by(Question.created_at.desc(), Question.id)
    )
    return [MapQuestion(*row) for row in session.execute(questions.limit(limit))]


def list_map_feedback(
    session: Session, question_ids: Collection[str], viewer: Viewer
) -> list[MapFeedback]:
    """Current verdicts and evidence regions of the questions that the viewer may see."""
    box = (Feedback.x, Feedback.y, Feedback.width, Feedback.height, Feedback.points)
    statement = (
        select(Completion.question_id, Feedback.verdict, *box)
        .select_from(Completion)
        .join(CurrentFeedback, CurrentFeedback.completion_id == Completion.id)
        .join(Feedback, Feedback.id == CurrentFeedback.feedback_id)
        .where(Completion.question_id.in_(question_ids))
        .where(or_(Feedback.kind == "verdict", Feedback.x.is_not(None)))
        .where(feedback_is_visible(viewer))
        .order_by(Feedback.created_at, Feedback.id)
    )
    return [MapFeedback(*row) for row in session.execute(statement)]
