"""Whose turn it is to compare a pair, on which sides it stands, and the vote that counts."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.comparison_records import ComparisonRecord, PairProgress
from storage.errors import ConflictError, RecordNotFoundError
from storage.lots import lot
from storage.records import as_record
from storage.tables import (
    Comparison,
    Completion,
    Feedback,
    Worklist,
    WorklistItem,
    WorklistPair,
    WorklistTurn,
    now,
)
from storage.worklist_records import WorklistRecord


def next_comparison(
    session: Session, worklist: WorklistRecord, rater_id: str, washed_out: datetime
) -> ComparisonRecord | None:
    """The comparison that a rater has begun, or his next one; None if there is nothing for him.

    Everybody has an order of his own. What he voted on before `washed_out` comes again, once,
    before anything new, as far as the list repeats.
    """
    # one at a time, lest two raters are handed what is for one of them
    session.get_one(Worklist, worklist.id, with_for_update=True)
    mine = _comparisons(session, worklist.id, rater_id)
    going = [one for one in mine if one.ended_at is None]
    if going:
        return as_record(ComparisonRecord, going[0])
    again = _to_repeat(worklist, mine, rater_id, washed_out)
    pair_id = again or _unseen(session, worklist, rater_id, mine)
    if pair_id is None:
        return None
    return _hand_out(session, rater_id, pair_id=pair_id, round=int(again is not None))


def compare_reading(session: Session, rater_id: str, reading_id: str) -> ComparisonRecord:
    """Begin to compare the two answers to a question of the rater's own."""
    return _hand_out(session, rater_id, reading_id=reading_id, round=0)


def find_comparison(session: Session, comparison_id: str, rater_id: str) -> ComparisonRecord:
    """One that the rater was given; raises RecordNotFoundError."""
    return as_record(ComparisonRecord, _row(session, comparison_id, rater_id))


def sides(session: Session, comparison: ComparisonRecord) -> tuple[str, str] | None:
    """Ids of the completions on the left and on the right; None while they are being written."""
    if comparison.pair_id is not None:
        pair = session.get_one(WorklistPair, comparison.pair_id)
        both = [pair.one_completion_id, pair.other_completion_id]
    else:
        written = select(Completion.id).where(Completion.reading_id == comparison.reading_id)
        both = list(session.scalars(written.order_by(Completion.index)))
    if len(both) != 2:
        return None
    left, right = reversed(both) if comparison.flipped else both
    return left, right


def vote(session: Session, comparison_id: str, rater_id: str, feedback_id: str) -> ComparisonRecord:
    """Say which feedback is the vote; raises ConflictError where there is one already."""
    row = _row(session, comparison_id, rater_id)
    if row.feedback_id is not None:
        raise ConflictError("You have voted on this pair; undo the vote to change it.")
    if row.skipped:  # who wrote it is no secret any more
        raise ConflictError("You have passed this pair over; go on with the next one.")
    row.feedback_id, row.ended_at = feedback_id, now()
    session.flush()
    return as_record(ComparisonRecord, row)


def reopen(session: Session, comparison_id: str, rater_id: str) -> ComparisonRecord:
    """Let a comparison be voted on once more; raises ConflictError where there is no vote."""
    row = _row(session, comparison_id, rater_id)
    if row.feedback_id is None:
        raise ConflictError("There is no vote on this pair to undo.")
    row.feedback_id, row.ended_at = None, None
    session.flush()
    return as_record(ComparisonRecord, row)


def skip(session: Session, comparison_id: str, rater_id: str) -> ComparisonRecord:
    """Pass a pair over; raises ConflictError where a vote is in."""
    row = _row(session, comparison_id, rater_id)
    if row.feedback_id is not None:
        raise ConflictError("You have voted on this pair already.")
    row.ended_at, row.skipped = now(), True
    session.flush()
    return as_record(ComparisonRecord, row)


def pair_progress(session: Session, worklist_id: str, rater_id: str) -> PairProgress:
    """How far the comparing of a list is, for one rater."""
    pairs = (
        select(func.count())
        .select_from(WorklistPair)
        .join(WorklistItem, WorklistItem.id == WorklistPair.item_id)
        .where(WorklistItem.worklist_id == worklist_id)
    )
    done = pairs.join(Comparison, Comparison.pair_id == WorklistPair.id).where(
        Comparison.rater_id == rater_id, Comparison.round == 0, Comparison.ended_at.is_not(None)
    )
    return PairProgress(session.scalar(pairs) or 0, session.scalar(done) or 0)


def open_comparison_of(session: Session, reading_id: str, rater_id: str) -> bool | None:
    """Whether a rater has still to vote on a pair with one of a reading's completions; None if he
    was never given one, or passed it over."""
    of_reading = select(Completion.id).where(Completion.reading_id == reading_id)
    given = (
        select(Comparison.feedback_id)
        .join(WorklistPair, WorklistPair.id == Comparison.pair_id)
        .where(
            Comparison.rater_id == rater_id,
            ~Comparison.skipped,
            WorklistPair.one_completion_id.in_(of_reading)
            | WorklistPair.other_completion_id.in_(of_reading),
        )
    )
    found = session.scalars(given).all()
    return None in found if found else None


def items_compared(session: Session, worklist_id: str, rater_id: str) -> set[str]:
    """Items of a list whose answers a rater has seen side by side."""
    seen = (
        select(WorklistPair.item_id)
        .join(Comparison, Comparison.pair_id == WorklistPair.id)
        .join(WorklistItem, WorklistItem.id == WorklistPair.item_id)
        .where(WorklistItem.worklist_id == worklist_id, Comparison.rater_id == rater_id)
    )
    return set(session.scalars(seen))


def votes_of_others(
    session: Session, comparison: ComparisonRecord
) -> list[tuple[str, str, str | None]]:
    """(rater, choice, what stood on the left) of the others' current votes on the same pair, in
    the order of their first ones."""
    if comparison.pair_id is None:
        return []
    rows = (
        select(Comparison.rater_id, Feedback.choice, Feedback.left_completion_id)
        .join(Feedback, Feedback.id == Comparison.feedback_id)
        .where(Comparison.pair_id == comparison.pair_id)
        .where(Comparison.rater_id != comparison.rater_id)
        .order_by(Comparison.round, Feedback.created_at)
    )
    # of a repeat the later vote
    found = {rater: (rater, choice, left) for rater, choice, left in session.execute(rows)}
    return [(rater, str(choice), left) for rater, choice, left in found.values()]


def _hand_out(session: Session, rater_id: str, *, round: int, **what: str) -> ComparisonRecord:  # noqa: A002
    """Give somebody a pair, its sides drawn by lot."""
    flipped = secrets.randbelow(2) == 1
    row = Comparison(rater_id=rater_id, round=round, flipped=flipped, **what)
    session.add(row)
    session.flush()
    return as_record(ComparisonRecord, row)


def _row(session: Session, comparison_id: str, rater_id: str) -> Comparison:
    bad = "\0" in comparison_id  # which PostgreSQL takes for a mistake, not for an unknown id
    row = None if bad else session.get(Comparison, comparison_id, with_for_update=True)
    if row is None or row.rater_id != rater_id:
        raise RecordNotFoundError("There is no such comparison among yours.")
    return row


def _comparisons(session: Session, worklist_id: str, rater_id: str) -> list[Comparison]:
    mine = (
        select(Comparison)
        .join(WorklistPair, WorklistPair.id == Comparison.pair_id)
        .join(WorklistItem, WorklistItem.id == WorklistPair.item_id)
        .where(WorklistItem.worklist_id == worklist_id, Comparison.rater_id == rater_id)
        .order_by(Comparison.started_at, Comparison.id)
    )
    return list(session.scalars(mine))


def _to_repeat(
    worklist: WorklistRecord, mine: Sequence[Comparison], rater_id: str, washed_out: datetime
) -> str | None:
    """The pair that was voted on first of those whose time has come."""
    repeated = {one.pair_id for one in mine if one.round}
    for one in mine:
        due = one.ended_at is not None and one.ended_at <= washed_out and not one.skipped
        drawn = lot("repeat", rater_id, str(one.pair_id)) < worklist.repeats
        if due and drawn and one.pair_id not in repeated:
            return one.pair_id
    return None


def _unseen(
    session: Session, worklist: WorklistRecord, rater_id: str, mine: Sequence[Comparison]
) -> str | None:
    """The next pair in the rater's own order that is new to him and his to compare."""
    seen = {one.pair_id for one in mine}
    of_list = WorklistItem.worklist_id == worklist.id
    taken = (
        select(Comparison.pair_id)
        .join(WorklistPair, WorklistPair.id == Comparison.pair_id)
        .join(WorklistItem, WorklistItem.id == WorklistPair.item_id)
        .where(of_list, Comparison.rater_id != rater_id, ~Comparison.skipped)
    )
    of_others = set(session.scalars(taken))
    held = _held_blind(session, worklist, rater_id)
    pairs = session.execute(
        select(WorklistPair.id, WorklistPair.item_id).join(WorklistItem).where(of_list)
    )
    free = [
        pair
        for pair, item in pairs
        if pair not in seen
        and item not in held
        and (pair not in of_others or lot("shared", worklist.id, pair) < worklist.overlap)
    ]
    return min(free, key=lambda pair: lot("order", rater_id, pair), default=None)


def _held_blind(session: Session, worklist: WorklistRecord, rater_id: str) -> set[str]:
    """Items that the rater has in hand and is to answer before he sees an answer."""
    if not worklist.blind:
        return set()
    turns = select(WorklistTurn.item_id).where(
        WorklistTurn.rater_id == rater_id,
        WorklistTurn.ended_at.is_(None),
        WorklistTurn.first_answer.is_(None),
    )
    return set(session.scalars(turns))
