"""A slide's questions and feedback, as far as an account may see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from storage.blinding.visible_feedback import feedback_is_visible
from storage.comparisons.pairs import select_item_questions
from storage.tables import (
    Comparison,
    Completion,
    CurrentFeedback,
    Feedback,
    Question,
    WorklistAssignment,
    WorklistItem,
    WorklistPair,
)


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
    session: Session, slide_id: str, account_id: str, *, sees_all: bool, is_rater: bool, limit: int
) -> list[MapQuestion]:
    """Newest questions on a slide that an account may see.

    These are its own and those of worklists that it was assigned and has finished. With `sees_all`,
    others' questions are included; but if it `is_rater`, worklist items never assigned to it are
    not. Open assignments are left out: a repeat must not reveal the earlier feedback.
    """
    of_items = select(select_item_questions().c.question_id)
    own = (Question.account_id == account_id) & Question.id.not_in(of_items)
    assigned = _is_assigned(account_id, ended=True)
    others = or_(Question.id.not_in(of_items), assigned) if is_rater else true()
    visible = others if sees_all else or_(own, assigned)
    columns = [getattr(Question, name) for name in MapQuestion.__dataclass_fields__]
    questions = (
        select(*columns)
        .where(Question.slide_id == slide_id, visible, ~_is_assigned(account_id, ended=False))
        .order_by(Question.created_at.desc(), Question.id)
    )
    return [MapQuestion(*row) for row in session.execute(questions.limit(limit))]


def list_map_feedback(
    session: Session, question_ids: Collection[str], viewer_id: str | None
) -> list[MapFeedback]:
    """Current verdicts and evidence regions of the questions; `viewer_id` as in `Filters`."""
    box = (Feedback.x, Feedback.y, Feedback.width, Feedback.height, Feedback.points)
    statement = (
        select(Completion.question_id, Feedback.verdict, *box)
        .select_from(Completion)
        .join(CurrentFeedback, CurrentFeedback.completion_id == Completion.id)
        .join(Feedback, Feedback.id == CurrentFeedback.feedback_id)
        .where(Completion.question_id.in_(question_ids))
        .where(or_(Feedback.kind == "verdict", Feedback.x.is_not(None)))
        .order_by(Feedback.created_at, Feedback.id)
    )
    if viewer_id is not None:
        statement = statement.where(feedback_is_visible(viewer_id))
    return [MapFeedback(*row) for row in session.execute(statement)]


def _is_assigned(account_id: str, *, ended: bool) -> ColumnElement[bool]:
    """Worklist questions assigned to an account, to answer or compare; open or `ended` ones."""
    turn: Any = WorklistAssignment.ended_at
    pair: Any = Comparison.ended_at
    items = (
        select(WorklistItem.question_id)
        .join(WorklistAssignment, WorklistAssignment.item_id == WorklistItem.id)
        .where(WorklistAssignment.rater_id == account_id, WorklistItem.question_id.is_not(None))
        .where(turn.is_not(None) if ended else turn.is_(None))
    )
    compared = (
        select(Completion.question_id)
        .join(
            WorklistPair,
            or_(
                WorklistPair.one_completion_id == Completion.id,
                WorklistPair.other_completion_id == Completion.id,
            ),
        )
        .join(Comparison, Comparison.pair_id == WorklistPair.id)
        .where(Comparison.rater_id == account_id)
        .where(Comparison.feedback_id.is_not(None) if ended else pair.is_(None))
    )
    return or_(Question.id.in_(items), Question.id.in_(compared))
