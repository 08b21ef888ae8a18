"""Assignment of pairs to raters, the sides of each comparison, and its vote."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.assignment import Assignment, choose_first, choose_repeat, list_unassigned
from storage.comparisons.pairs import count_pairs
from storage.comparisons.records import ComparisonRecord, PairProgress
from storage.errors import ConflictError, RecordNotFoundError
from storage.row_values import as_record
from storage.tables import (
    Comparison,
    Completion,
    Feedback,
    Worklist,
    WorklistAssignment,
    WorklistItem,
    WorklistPair,
    now,
)
from storage.worklists.records import WorklistRecord


def next_comparison(
    session: Session, worklist: WorklistRecord, rater_id: str, washout_before: datetime
) -> ComparisonRecord | None:
    """The rater's open comparison, or their next one; None if there is none.

    Every rater has their own order. Pairs voted on before `washout_before` are repeated once, ahead
    of new ones, up to the list's share of repeats.
    """
    # Serialise, so that two raters are not assigned a pair meant for one.
    session.get_one(Worklist, worklist.id, with_for_update=True)
    own_rows = _own_comparisons(session, worklist.id, rater_id)
    open_rows = [one for one in own_rows if one.ended_at is None]
    if open_rows:
        return as_record(ComparisonRecord, open_rows[0])
    assignments = [
        Assignment(str(one.pair_id), one.round, one.ended_at, one.skipped) for one in own_rows
    ]
    again = choose_repeat(worklist, assignments, rater_id, washout_before)
    waiting = _items_awaiting_answer(session, worklist, rater_id)
    free = _unassigned_pairs(session, worklist, rater_id, own_rows)
    unseen = [pair for pair, item in free.items() if item not in waiting]
    pair_id = again or choose_first(unseen, rater_id)
    if pair_id is None:
        return None
    return _assign(session, rater_id, pair_id=pair_id, round=int(again is not None))


def compare_question(session: Session, rater_id: str, question_id: str) -> ComparisonRecord:
    """Start comparing the two completions of the rater's own question."""
    return _assign(session, rater_id, question_id=question_id, round=0)


def find_comparison(session: Session, comparison_id: str, rater_id: str) -> ComparisonRecord:
    """A comparison assigned to the rater; raises RecordNotFoundError."""
    return as_record(ComparisonRecord, _row(session, comparison_id, rater_id))


def find_sides(session: Session, comparison: ComparisonRecord) -> tuple[str, str] | None:
    """Ids of the left and right completions; None while they are being written."""
    if comparison.pair_id is not None:
        pair = session.get_one(WorklistPair, comparison.pair_id)
        both = [pair.one_completion_id, pair.other_completion_id]
    else:
        written = select(Completion.id).where(Completion.question_id == comparison.question_id)
        both = list(session.scalars(written.order_by(Completion.index)))
    if len(both) != 2:
        return None
    left, right = reversed(both) if comparison.flipped else both
    return left, right


def record_vote(
    session: Session, comparison_id: str, rater_id: str, feedback_id: str
) -> ComparisonRecord:
    """Set the feedback that holds the vote; raises ConflictError if there is one already."""
    row = _row(session, comparison_id, rater_id)
    if row.feedback_id is not None:
        raise ConflictError(user_messages.VOTE_ALREADY_STORED)
    if row.skipped:  # the models' names are already revealed
        raise ConflictError(user_messages.COMPARISON_SKIPPED)
    row.feedback_id, row.ended_at = feedback_id, now()
    session.flush()
    return as_record(ComparisonRecord, row)


def reopen_comparison(session: Session, comparison_id: str, rater_id: str) -> ComparisonRecord:
    """Reopen a comparison for another vote; raises ConflictError if it has no vote."""
    row = _row(session, comparison_id, rater_id)
    if row.feedback_id is None:
        raise ConflictError(user_messages.NO_VOTE_TO_UNDO)
    row.feedback_id, row.ended_at = None, None
    session.flush()
    return as_record(ComparisonRecord, row)


def skip_comparison(session: Session, comparison_id: str, rater_id: str) -> ComparisonRecord:
    """Skip a pair; raises ConflictError if it has a vote."""
    row = _row(session, comparison_id, rater_id)
    if row.feedback_id is not None:
        raise ConflictError(user_messages.COMPARISON_VOTED)
    row.ended_at, row.skipped = now(), True
    session.flush()
    return as_record(ComparisonRecord, row)


def pair_progress(session: Session, worklist: WorklistRecord, rater_id: str) -> PairProgress:
    """One rater's progress through a list's pairs."""
    own_rows = _own_comparisons(session, worklist.id, rater_id)
    ended = [one for one in own_rows if one.round == 0 and one.ended_at is not None]
    return PairProgress(
        pairs=count_pairs(session, worklist.id),
        mine=len({one.pair_id for one in own_rows})
        + len(_unassigned_pairs(session, worklist, rater_id, own_rows)),
        done=len(ended),
    )


def find_repeated_comparison(
    session: Session, comparison: ComparisonRecord
) -> ComparisonRecord | None:
    """The repeat of a comparison for the same rater; None if there is none.

    The rater's first vote stays hidden until the repeat ends.
    """
    row = session.scalar(
        select(Comparison)
        .where(Comparison.pair_id == comparison.pair_id)
        .where(Comparison.rater_id == comparison.rater_id, Comparison.round > comparison.round)
        .order_by(Comparison.round.desc())
        .limit(1)
    )
    return None if row is None else as_record(ComparisonRecord, row)


def has_open_comparison(session: Session, question_id: str, rater_id: str) -> bool | None:
    """Whether a rater has yet to vote on a pair with one of a question's completions.

    None if no such pair was assigned to them, or if they skipped it.
    """
    completion_ids = select(Completion.id).where(Completion.question_id == question_id)
    assigned = (
        select(Comparison.feedback_id)
        .join(WorklistPair, WorklistPair.id == Comparison.pair_id)
        .where(
            Comparison.rater_id == rater_id,
            ~Comparison.skipped,
            WorklistPair.one_completion_id.in_(completion_ids)
            | WorklistPair.other_completion_id.in_(completion_ids),
        )
    )
    feedback_ids = session.scalars(assigned).all()
    return None in feedback_ids if feedback_ids else None


def list_compared_items(session: Session, worklist_id: str, rater_id: str) -> set[str]:
    """Items of a list whose completions a rater has seen side by side."""
    item_ids = (
        select(WorklistPair.item_id)
        .join(Comparison, Comparison.pair_id == WorklistPair.id)
        .join(WorklistItem, WorklistItem.id == WorklistPair.item_id)
        .where(WorklistItem.worklist_id == worklist_id, Comparison.rater_id == rater_id)
    )
    return set(session.scalars(item_ids))


def list_other_votes(
    session: Session, comparison: ComparisonRecord
) -> list[tuple[str, str, str | None]]:
    """(rater, choice, left completion) of others' current votes on the same pair.

    They are in the order of each rater's first vote.
    """
    if comparison.pair_id is None:
        return []
    rows = (
        select(Comparison.rater_id, Feedback.choice, Feedback.left_completion_id)
        .join(Feedback, Feedback.id == Comparison.feedback_id)
        .where(Comparison.pair_id == comparison.pair_id)
        .where(Comparison.rater_id != comparison.rater_id)
        .order_by(Comparison.round, Feedback.created_at)
    )
    # a repeat's vote replaces the first
    latest = {rater: (rater, choice, left) for rater, choice, left in session.execute(rows)}
    return [(rater, str(choice), left) for rater, choice, left in latest.values()]


def _assign(session: Session, rater_id: str, *, round: int, **subject: str) -> ComparisonRecord:  # noqa: A002
    """Assign a pair to a rater, with sides drawn at random."""
    flipped = secrets.randbelow(2) == 1
    row = Comparison(rater_id=rater_id, round=round, flipped=flipped, **subject)
    session.add(row)
    session.flush()
    return as_record(ComparisonRecord, row)


def _row(session: Session, comparison_id: str, rater_id: str) -> Comparison:
    bad = "\0" in comparison_id  # PostgreSQL would report an error instead of an unknown id
    row = None if bad else session.get(Comparison, comparison_id, with_for_update=True)
    if row is None or row.rater_id != rater_id:
        raise RecordNotFoundError(user_messages.NO_COMPARISON)
    return row


def _own_comparisons(session: Session, worklist_id: str, rater_id: str) -> list[Comparison]:
    statement = (
        select(Comparison)
        .join(WorklistPair, WorklistPair.id == Comparison.pair_id)
        .join(WorklistItem, WorklistItem.id == WorklistPair.item_id)
        .where(WorklistItem.worklist_id == worklist_id, Comparison.rater_id == rater_id)
        .order_by(Comparison.started_at, Comparison.id)
    )
    return list(session.scalars(statement))


def _unassigned_pairs(
    session: Session, worklist: WorklistRecord, rater_id: str, own_rows: list[Comparison]
) -> dict[str, str]:
    """Unassigned pairs that the rater may compare, each with its item."""
    of_list = WorklistItem.worklist_id == worklist.id
    assigned_to_others = (
        select(Comparison.pair_id)
        .join(WorklistPair, WorklistPair.id == Comparison.pair_id)
        .join(WorklistItem, WorklistItem.id == WorklistPair.item_id)
        .where(of_list, Comparison.rater_id != rater_id, ~Comparison.skipped)
    )
    pairs_of_others = {str(pair) for pair in session.scalars(assigned_to_others)}
    pairs = select(WorklistPair.id, WorklistPair.item_id).join(WorklistItem).where(of_list)
    item_of = {pair: item for pair, item in session.execute(pairs)}  # noqa: C416
    seen_pairs = {str(one.pair_id) for one in own_rows}
    return {
        pair: item_of[pair]
        for pair in list_unassigned(worklist, item_of, seen_pairs, pairs_of_others)
    }


def _items_awaiting_answer(session: Session, worklist: WorklistRecord, rater_id: str) -> set[str]:
    """Items assigned to the rater that await their first answer, before they see a completion."""
    if not worklist.blind:
        return set()
    turns = select(WorklistAssignment.item_id).where(
        WorklistAssignment.rater_id == rater_id,
        WorklistAssignment.ended_at.is_(None),
        WorklistAssignment.first_answer.is_(None),
    )
    return set(session.scalars(turns))
