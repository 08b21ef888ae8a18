"""What raters said of the items that came to them again after the washout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from storage.statistics import CASE, about
from storage.statistics_rows import EVERYTHING, Filters, RepeatRow
from storage.tables import Feedback, Reading, WorklistItem, WorklistTurn


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


def _within(filters: Filters, at: Any) -> bool:
    since, until = filters.since, filters.until
    return (since is None or at >= since) and (until is None or at < until)
