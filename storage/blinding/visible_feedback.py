"""What a rater is told of others' judgments: those of what he has judged himself, nothing else.

What raters say of one answer (verdict, labels, edits, where it should have looked) opens with
one's own verdict and labels of it; what they say of two, with one's own choice between these two.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from storage.tables import Completion, CurrentFeedback, Feedback, Question

UNLOCKING_KINDS = ("labels", "verdict")
"""What one says oneself of an answer before one is told what others said of it."""


def select_rated_completions(viewer_id: str) -> Select[str]:
    """Completions of which somebody has given both verdict and labels."""
    own = aliased(CurrentFeedback)
    return (
        select(own.completion_id)
        .where(own.rater_id == viewer_id, own.kind.in_(UNLOCKING_KINDS))
        .group_by(own.completion_id)
        .having(func.count(own.kind.distinct()) == len(UNLOCKING_KINDS))
    )


def feedback_is_visible(viewer_id: str) -> ColumnElement[bool]:
    """Of rows of feedback: those that somebody may be told of."""
    of_one = and_(
        Feedback.kind != "preference",
        Feedback.completion_id.in_(select_rated_completions(viewer_id)),
    )
    of_two = Feedback.id.in_(_votes_on_same_pairs(viewer_id))
    return or_(Feedback.rater_id == viewer_id, of_one, of_two)


def completion_feedback_is_visible(viewer_id: str) -> ColumnElement[bool]:
    """Of rows with a completion: those whose judgments somebody may be told of."""
    return Completion.id.in_(select_rated_completions(viewer_id))


def first_answer_is_visible(
    viewer_id: str, answerer_id: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """Of first answers to a reading's question: one's own, and others' once all of it is judged."""
    pending = aliased(Completion)
    still = select(pending.id).where(
        pending.question_id == Question.id, pending.id.not_in(select_rated_completions(viewer_id))
    )
    return or_(answerer_id == viewer_id, ~still.exists())


def count_hidden_feedback(session: Session, viewer_id: str) -> int:
    """How many judgments that hold now somebody is not told of."""
    current = select(func.count()).select_from(CurrentFeedback)
    holding = current.join(Feedback, Feedback.id == CurrentFeedback.feedback_id)
    return session.scalar(holding.where(~feedback_is_visible(viewer_id))) or 0


def _votes_on_same_pairs(viewer_id: str) -> Select[str]:
    """Votes that hold now, between two answers between which somebody voted himself."""
    own, theirs = aliased(CurrentFeedback), aliased(CurrentFeedback)
    own_vote = aliased(Feedback)
    same = and_(
        theirs.completion_id == own.completion_id,
        theirs.other == own.other,
        theirs.kind == own.kind,
    )
    return (
        select(theirs.feedback_id)
        .join(own, same)
        .join(own_vote, own_vote.id == own.feedback_id)
        .where(own.rater_id == viewer_id, own.kind == "preference", own_vote.choice != "undone")
    )
