"""Feedback on items and pairs repeated after the washout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session, aliased

from storage.blinding.blind_votes import vote_is_unblinded
from storage.statistics.feedback_rows import CASE_ID, resolve_preference, select_feedback
from storage.statistics.records import NO_FILTERS, Filters, RepeatRow
from storage.tables import (
    Comparison,
    Completion,
    Feedback,
    Question,
    WorklistAssignment,
    WorklistItem,
)


def repeats(session: Session, filters: Filters = NO_FILTERS) -> list[RepeatRow]:
    """Verdicts on repeated completions: the one current at the repeat, and the last after it.

    Date filters apply to the latter.
    """
    by_answer: dict[tuple[str, str, str], dict[bool, tuple[str, Any]]] = {}
    for case, completion, rater, verdict, at, started_at in session.execute(repeats_query(filters)):
        by_answer.setdefault((case, completion, rater), {})[at >= started_at] = (verdict, at)
    return [
        RepeatRow(*key, verdicts[False][0], verdicts[True][0])
        for key, verdicts in by_answer.items()
        if len(verdicts) == len((False, True)) and _within(filters, verdicts[True][1])
    ]


def repeats_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Query for `repeats`: all verdicts on items with an unskipped repeat, oldest first."""
    turn = WorklistAssignment
    given = (Feedback.created_at, turn.started_at)
    columns = select(CASE_ID, Feedback.completion_id, Feedback.rater_id, Feedback.verdict, *given)
    ended = and_(turn.round > 0, turn.ended_at.is_not(None), ~turn.skipped)
    return (
        select_feedback(columns, replace(filters, since=None, until=None))
        .join(WorklistItem, WorklistItem.question_id == Question.id)
        .join(
            turn, and_(turn.item_id == WorklistItem.id, turn.rater_id == Feedback.rater_id, ended)
        )
        .where(Feedback.kind == "verdict")
        .order_by(Feedback.created_at, Feedback.id)
    )


def repeated_votes(session: Session, filters: Filters = NO_FILTERS) -> list[RepeatRow]:
    """Votes of the first and second round on repeated pairs, without undone ones."""
    return [
        RepeatRow(
            case,
            f"{one} {other}",
            rater,
            resolve_preference(*sides[:2]),
            resolve_preference(*sides[2:]),
        )
        for case, one, other, rater, *sides in session.execute(repeated_votes_query(filters))
    ]


def repeated_votes_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Query for `repeated_votes`; date filters apply to the second vote.

    If only blind votes are wanted, both must be blind.
    """
    former, turn, before = aliased(Feedback), aliased(Comparison), aliased(Comparison)
    other, other_question = aliased(Completion), aliased(Question)
    both = (Feedback.completion_id, Feedback.other_completion_id)
    votes = [(vote.choice, vote.left_completion_id != both[0]) for vote in (former, Feedback)]
    columns = select(CASE_ID, *both, Feedback.rater_id, *votes[0], *votes[1])
    first = and_(before.pair_id == turn.pair_id, before.rater_id == turn.rater_id)
    unblinded = (
        [vote_is_unblinded(vote) for vote in (former, Feedback)] if filters.blind_votes else []
    )
    return (
        select_feedback(columns, filters, other_question)
        .join(other, other.id == Feedback.other_completion_id)
        .join(other_question, other_question.id == other.question_id)
        .join(turn, and_(turn.feedback_id == Feedback.id, turn.round > 0))
        .join(before, and_(first, before.round == turn.round - 1))
        .join(former, former.id == before.feedback_id)
        .where(*(~condition for condition in unblinded))
        .order_by(Feedback.created_at, Feedback.id)
    )


def _within(filters: Filters, at: Any) -> bool:
    since, until = filters.since, filters.until
    return (since is None or at >= since) and (until is None or at < until)
