"""What a rater is told of others' judgments: those of what he has judged himself, nothing else.

What raters say of one answer (verdict, labels, edits, where it should have looked) opens with
one's own verdict and labels of it; what they say of two, with one's own choice between these two.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from storage.tables import Completion, CurrentFeedback, Feedback, Reading

OPENING = ("labels", "verdict")
"""What one says oneself of an answer before one is told what others said of it."""


def judged_by(viewer_id: str) -> Select[str]:
    """Completions of which somebody has given both verdict and labels."""
    own = aliased(CurrentFeedback)
    return (
        select(own.completion_id)
        .where(own.rater_id == viewer_id, own.kind.in_(OPENING))
        .group_by(own.completion_id)
        .having(func.count(own.kind.distinct()) == len(OPENING))
    )


def told(viewer_id: str) -> ColumnElement[bool]:
    """Of rows of feedback: those that somebody may be told of."""
    of_one = and_(Feedback.kind != "preference", Feedback.completion_id.in_(judged_by(viewer_id)))
    of_two = Feedback.id.in_(_votes_on_same_pairs(viewer_id))
    return or_(Feedback.rater_id == viewer_id, of_one, of_two)


def told_of_answer(viewer_id: str) -> ColumnElement[bool]:
    """Of rows with a completion: those whose judgments somebody may be told of."""
    return Completion.id.in_(judged_by(viewer_id))


def told_first_answer(
    viewer_id: str, answered_by: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """Of first answers to a reading's question: one's own, and others' once all of it is judged."""
    waiting = aliased(Completion)
    still = select(waiting.id).where(
        waiting.reading_id == Reading.id, waiting.id.not_in(judged_by(viewer_id))
    )
    return or_(answered_by == viewer_id, ~still.exists())


def count_withheld(session: Session, viewer_id: str) -> int:
    """How many judgments that hold now somebody is not told of."""
    now = select(func.count()).select_from(CurrentFeedback)
    holding = now.join(Feedback, Feedback.id == CurrentFeedback.feedback_id)
    return session.scalar(holding.where(~told(viewer_id))) or 0


def _votes_on_same_pairs(viewer_id: str) -> Select[str]:
    """Votes that hold now, between two answers between which somebody voted himself."""
    own, theirs = aliased(CurrentFeedback), aliased(CurrentFeedback)
    mine = aliased(Feedback)
    same = and_(
        theirs.completion_id == own.completion_id,
        theirs.other == own.other,
        theirs.kind == own.kind,
    )
    return (
        select(theirs.feedback_id)
        .join(own, same)
        .join(mine, mine.id == own.feedback_id)
        .where(own.rater_id == viewer_id, own.kind == "preference", mine.choice != "undone")
    )
