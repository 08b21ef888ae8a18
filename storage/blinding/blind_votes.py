"""Whether a vote was cast without knowing who wrote the answers."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, func, or_
from sqlalchemy.orm import aliased

from storage.tables import Comparison, Feedback


def vote_is_unblinded(vote: type[Feedback] = Feedback) -> ColumnElement[bool]:
    """Of rows of feedback that are votes: whether the rater may have known the models' names.

    Before it he had judged one of the two answers by itself, where the name stands, or voted on a
    pair with one of them, this very pair if he took that back: a vote tells both names. Of a pair
    that comes again he has forgotten what he was told up to the end of its first turn, for the
    washout lies between.
    """
    one, other = aliased(Feedback), aliased(Feedback)
    both = (vote.completion_id, vote.other_completion_id)
    # each column by an index of its own; `coalesce` keeps SQLite from the index of all that the
    # rater ever said
    same_rater = func.coalesce(other.rater_id, "") == vote.rater_id
    return or_(
        _saw_names(vote, one, one.completion_id.in_(both), one.rater_id == vote.rater_id),
        _saw_names(vote, other, other.other_completion_id.in_(both), same_rater),
    )


def _saw_names(
    vote: type[Feedback], earlier: type[Feedback], *same: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether he had said something before that he has not forgotten."""
    return exists().where(
        *same, earlier.created_at < vote.created_at, ~_is_before_washout(vote, earlier)
    )


def _is_before_washout(vote: type[Feedback], earlier: type[Feedback]) -> ColumnElement[bool]:
    """Whether the vote is a repeat's, and the earlier word is not newer than the turn before."""
    turn, before = aliased(Comparison), aliased(Comparison)
    same = and_(before.pair_id == turn.pair_id, before.rater_id == turn.rater_id)
    return (
        exists()
        .where(turn.feedback_id == vote.id, turn.round > 0)
        .where(same, before.round == turn.round - 1, before.ended_at >= earlier.created_at)
        .correlate(vote, earlier)
    )
