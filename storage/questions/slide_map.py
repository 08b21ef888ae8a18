"""What was asked on a slide, and what was said of it, as far as an account may see it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from storage.blinding.visible_feedback import told
from storage.comparisons.pairs import readings_of_items
from storage.tables import (
    Comparison,
    Completion,
    CurrentFeedback,
    Feedback,
    Reading,
    WorklistItem,
    WorklistPair,
    WorklistTurn,
)


@dataclass(frozen=True)
class AskedThere:
    """A question about a region of the slide."""

    id: str
    """Of the reading."""
    question: str
    """As it was typed."""
    x: int
    """Left edge of the region, level-0 pixels."""
    y: int
    """Upper edge."""
    width: int
    """Width."""
    height: int
    """Height."""
    points: Sequence[Sequence[float]] | None
    """Outline as drawn; None for the region itself."""
    created_at: datetime
    """When it was asked, UTC."""


@dataclass(frozen=True)
class SaidThere:
    """A verdict that holds now, or where the model should have looked."""

    reading_id: str
    """Of which reading."""
    verdict: str | None
    """None for an evidence region."""
    x: int | None
    """Left edge of the evidence region, level-0 pixels; None for a verdict."""
    y: int | None
    """Its upper edge."""
    width: int | None
    """Its width."""
    height: int | None
    """Its height."""
    points: Sequence[Sequence[float]] | None
    """Its outline as drawn."""


def asked_on_slide(
    session: Session, slide_id: str, account_id: str, *, sees_all: bool, judges: bool, limit: int
) -> list[AskedThere]:
    """The newest questions that an account may see: its own, and what worklists gave it and it is
    done with; all others' too if it `sees_all`, but, as long as it `judges`, no item that it was
    never given. What it has in hand is left out: a repeat is not to
    be told what was said the first time."""
    of_items = select(readings_of_items().c.reading_id)
    own = (Reading.account_id == account_id) & Reading.id.not_in(of_items)
    given = _given(account_id, ended=True)
    others = or_(Reading.id.not_in(of_items), given) if judges else true()
    may = others if sees_all else or_(own, given)
    columns = [getattr(Reading, name) for name in AskedThere.__dataclass_fields__]
    found = (
        select(*columns)
        .where(Reading.slide_id == slide_id, may, ~_given(account_id, ended=False))
        .order_by(Reading.created_at.desc(), Reading.id)
    )
    return [AskedThere(*row) for row in session.execute(found.limit(limit))]


def said_there(
    session: Session, reading_ids: Collection[str], viewer_id: str | None
) -> list[SaidThere]:
    """Verdicts and evidence regions of readings that hold now; `viewer_id` as in `Filters`."""
    box = (Feedback.x, Feedback.y, Feedback.width, Feedback.height, Feedback.points)
    said = (
        select(Completion.reading_id, Feedback.verdict, *box)
        .select_from(Completion)
        .join(CurrentFeedback, CurrentFeedback.completion_id == Completion.id)
        .join(Feedback, Feedback.id == CurrentFeedback.feedback_id)
        .where(Completion.reading_id.in_(reading_ids))
        .where(or_(Feedback.kind == "verdict", Feedback.x.is_not(None)))
        .order_by(Feedback.created_at, Feedback.id)
    )
    if viewer_id is not None:
        said = said.where(told(viewer_id))
    return [SaidThere(*row) for row in session.execute(said)]


def _given(account_id: str, *, ended: bool) -> ColumnElement[bool]:
    """Readings that worklists gave an account, to answer or to compare; those in hand if it is not
    `ended`."""
    turn: Any = WorklistTurn.ended_at
    pair: Any = Comparison.ended_at
    items = (
        select(WorklistItem.reading_id)
        .join(WorklistTurn, WorklistTurn.item_id == WorklistItem.id)
        .where(WorklistTurn.rater_id == account_id, WorklistItem.reading_id.is_not(None))
        .where(turn.is_not(None) if ended else turn.is_(None))
    )
    compared = (
        select(Completion.reading_id)
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
    return or_(Reading.id.in_(items), Reading.id.in_(compared))
