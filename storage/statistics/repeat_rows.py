"""What raters said of the items and pairs that came to them again after the washout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session, aliased

from storage.blinding.blind_votes import names_known
from storage.statistics.feedback_rows import CASE, about, preferred
from storage.statistics.records import EVERYTHING, Filters, RepeatRow
from storage.tables import Comparison, Completion, Feedback, Reading, WorklistItem, WorklistTurn


def repeats(session: Session, filters: Filters = EVERYTHING) -> list[RepeatRow]:
    """Of every answer of a repeat the verdict that held when it was given again, and the last one
    after that; the dates of the filters are those of the latter."""
    found: dict[tuple[str, str, str], dict[bool, tuple[str, Any]]] = {}
    for case, completion, rater, verdict, at, given in session.execute(repeats_query(filters)):
        found.setdefault((case, completion, rater), {})[at >= given] = (verdict, at)
    return [
        RepeatRow(*key, said[False][0], said[True][0])
        for key, said in found.items()
        if len(said) == len((False, True)) and _within(filters, said[True][1])
    ]


def repeats_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Of `repeats`: every verdict on items with a repeat that was not skipped, oldest first."""
    turn = WorklistTurn
    given = (Feedback.created_at, turn.started_at)
    columns = select(CASE, Feedback.completion_id, Feedback.rater_id, Feedback.verdict, *given)
    ended = and_(turn.round > 0, turn.ended_at.is_not(None), ~turn.skipped)
    return (
        about(columns, replace(filters, since=None, until=None))
        .join(WorklistItem, WorklistItem.reading_id == Reading.id)
        .join(
            turn, and_(turn.item_id == WorklistItem.id, turn.rater_id == Feedback.rater_id, ended)
        )
        .where(Feedback.kind == "verdict")
        .order_by(Feedback.created_at, Feedback.id)
    )


def repeated_votes(session: Session, filters: Filters = EVERYTHING) -> list[RepeatRow]:
    """Of every pair that was voted on again the vote of the first turn and that of the second;
    a vote that was undone is none."""
    return [
        RepeatRow(case, f"{one} {other}", rater, preferred(*said[:2]), preferred(*said[2:]))
        for case, one, other, rater, *said in session.execute(repeated_votes_query(filters))
    ]


def repeated_votes_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Of `repeated_votes`; the dates of the filters are those of the second vote.

    Where blind votes alone are wanted, both are to be blind.
    """
    former, turn, before = aliased(Feedback), aliased(Comparison), aliased(Comparison)
    other, asked = aliased(Completion), aliased(Reading)
    both = (Feedback.completion_id, Feedback.other_completion_id)
    votes = [(vote.choice, vote.left_completion_id != both[0]) for vote in (former, Feedback)]
    columns = select(CASE, *both, Feedback.rater_id, *votes[0], *votes[1])
    first = and_(before.pair_id == turn.pair_id, before.rater_id == turn.rater_id)
    known = [names_known(vote) for vote in (former, Feedback)] if filters.blind_votes else []
    return (
        about(columns, filters, asked)
        .join(other, other.id == Feedback.other_completion_id)
        .join(asked, asked.id == other.reading_id)
        .join(turn, and_(turn.feedback_id == Feedback.id, turn.round > 0))
        .join(before, and_(first, before.round == turn.round - 1))
        .join(former, former.id == before.feedback_id)
        .where(*(~each for each in known))
        .order_by(Feedback.created_at, Feedback.id)
    )


def _within(filters: Filters, at: Any) -> bool:
    since, until = filters.since, filters.until
    return (since is None or at >= since) and (until is None or at < until)
