"""Which feedback of others a rater sees: that on completions and pairs they have rated themselves.

Feedback on one completion (verdict, labels, edits, evidence region) becomes visible with one's own
verdict and labels for it. Votes become visible with one's own vote on the same pair.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from storage.feedback.vocabulary import UNDONE
from storage.tables import Completion, CurrentFeedback, Feedback, Question

UNLOCKING_KINDS = ("labels", "verdict")
"""Feedback that a rater gives on a completion before they see that of others."""


def select_rated_completions(viewer_id: str) -> Select[str]:
    """Select completions with both a verdict and labels by this rater."""
    own = aliased(CurrentFeedback)
    return (
        select(own.completion_id)
        .where(own.rater_id == viewer_id, own.kind.in_(UNLOCKING_KINDS))
        .group_by(own.completion_id)
        .having(func.count(own.kind.distinct()) == len(UNLOCKING_KINDS))
    )


def feedback_is_visible(viewer_id: str) -> ColumnElement[bool]:
    """SQL condition on feedback rows: whether the viewer may see them."""
    of_one = and_(
        Feedback.kind != "preference",
        Feedback.completion_id.in_(select_rated_completions(viewer_id)),
    )
    of_two = Feedback.id.in_(_votes_on_same_pairs(viewer_id))
    return or_(Feedback.rater_id == viewer_id, of_one, of_two)


def completion_feedback_is_visible(viewer_id: str) -> ColumnElement[bool]:
    """SQL condition on completion rows: whether the viewer may see their feedback."""
    return Completion.id.in_(select_rated_completions(viewer_id))


def first_answer_is_visible(
    viewer_id: str, answerer_id: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """SQL condition on first answers: one's own, and others' once all completions are rated."""
    pending = aliased(Completion)
    still = select(pending.id).where(
        pending.question_id == Question.id, pending.id.not_in(select_rated_completions(viewer_id))
    )
    return or_(answerer_id == viewer_id, ~still.exists())


def count_hidden_feedback(session: Session, viewer_id: str) -> int:
    """Number of current feedback rows hidden from the viewer."""
    current = select(func.count()).select_from(CurrentFeedback)
    holding = current.join(Feedback, Feedback.id == CurrentFeedback.feedback_id)
    return session.scalar(holding.where(~feedback_is_visible(viewer_id))) or 0


def _votes_on_same_pairs(viewer_id: str) -> Select[str]:
    """Current votes on pairs that the viewer has also voted on."""
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
        .where(own.rater_id == viewer_id, own.kind == "preference", own_vote.choice != UNDONE)
    )
