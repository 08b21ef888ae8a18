"""Whether a rater could have known the models when voting."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_
from sqlalchemy.orm import aliased

from storage.base import Base
from storage.tables import (
    Comparison,
    Completion,
    Feedback,
    Worklist,
    WorklistAssignment,
    WorklistItem,
)


def vote_is_unblinded(vote: type[Feedback] = Feedback) -> ColumnElement[bool]:
    """SQL condition on votes: whether the rater may have known the models' names.

    A rater sees the name of a model by rating one of its two completions alone, by voting on a pair
    that contains one of them, including this pair if that vote was undone, or by opening an item
    that is answered by it. In a repeat, everything seen up to the end of the first round counts as
    forgotten, because of the washout.
    """
    one, other = aliased(Feedback), aliased(Feedback)
    both = (vote.completion_id, vote.other_completion_id)
    # Each column uses its own index; `coalesce` keeps SQLite from the index of all feedback of the
    # rater.
    same_rater = func.coalesce(other.rater_id, "") == vote.rater_id
    return or_(
        _saw_names(vote, one, one.completion_id.in_(both), one.rater_id == vote.rater_id),
        _saw_names(vote, other, other.other_completion_id.in_(both), same_rater),
        _saw_item(vote, both),
    )


def _saw_names(
    vote: type[Feedback], earlier: type[Feedback], *same: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether the rater gave earlier feedback that does not count as forgotten."""
    at = earlier.created_at
    return exists().where(*same, at < vote.created_at, ~_is_before_washout(vote, at, earlier))


def _saw_item(vote: type[Feedback], both: tuple[Any, Any]) -> ColumnElement[bool]:
    """Whether the rater had an item that one of the completions answers, and saw the answers."""
    seen, completion = aliased(WorklistAssignment), aliased(Completion)
    at = case((Worklist.blind, seen.first_answer_at), else_=seen.started_at)
    return (
        exists()
        .where(completion.id.in_(both), WorklistItem.question_id == completion.question_id)
        .where(Worklist.id == WorklistItem.worklist_id, seen.item_id == WorklistItem.id)
        .where(seen.rater_id == vote.rater_id, at < vote.created_at)
        .where(~_is_before_washout(vote, at, seen, Worklist))
        .correlate(vote)
    )


def _is_before_washout(vote: type[Feedback], at: Any, *outer: type[Base]) -> ColumnElement[bool]:
    """Whether the vote is a repeat's, and the time precedes the end of the previous round.

    `outer` are the tables besides the vote that `at` comes from.
    """
    turn, before = aliased(Comparison), aliased(Comparison)
    same = and_(before.pair_id == turn.pair_id, before.rater_id == turn.rater_id)
    return (
        exists()
        .where(turn.feedback_id == vote.id, turn.round > 0)
        .where(same, before.round == turn.round - 1, before.ended_at >= at)
        .correlate(vote, *outer)
    )
