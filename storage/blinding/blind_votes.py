"""Whether a rater could have known the models when voting."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, func, or_
from sqlalchemy.orm import aliased

from storage.tables import Comparison, Feedback


def vote_is_unblinded(vote: type[Feedback] = Feedback) -> ColumnElement[bool]:
    """SQL condition on votes: whether the rater may have known the models' names.

    A rater sees the name of a model by rating one of its two completions alone, or by voting on a
    pair that contains one of them, including this pair if that vote was undone. In a repeat,
    everything seen up to the end of the first round counts as forgotten, because of the washout.
    """
    one, other = aliased(Feedback), aliased(Feedback)
    both = (vote.completion_id, vote.other_completion_id)
    # Each column uses its own index; `coalesce` keeps SQLite from the index of all feedback of the
    # rater.
    same_rater = func.coalesce(other.rater_id, "") == vote.rater_id
    return or_(
        _saw_names(vote, one, one.completion_id.in_(both), one.rater_id == vote.rater_id),
        _saw_names(vote, other, other.other_completion_id.in_(both), same_rater),
    )


def _saw_names(
    vote: type[Feedback], earlier: type[Feedback], *same: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether the rater gave earlier feedback that does not count as forgotten."""
    return exists().where(
        *same, earlier.created_at < vote.created_at, ~_is_before_washout(vote, earlier)
    )


def _is_before_washout(vote: type[Feedback], earlier: type[Feedback]) -> ColumnElement[bool]:
    """Whether the vote is a repeat's and the earlier feedback precedes the previous round's end."""
    turn, before = aliased(Comparison), aliased(Comparison)
    same = and_(before.pair_id == turn.pair_id, before.rater_id == turn.rater_id)
    return (
        exists()
        .where(turn.feedback_id == vote.id, turn.round > 0)
        .where(same, before.round == turn.round - 1, before.ended_at >= earlier.created_at)
        .correlate(vote, earlier)
    )
