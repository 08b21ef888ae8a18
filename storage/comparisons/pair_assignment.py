"""Assignment of pairs to raters, the sides of each comparison, and its vote."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.assignment import AssignmentKind, end_row
from storage.comparisons.pairs import count_pairs
from storage.comparisons.records import ComparisonRecord, PairProgress
from storage.errors import ConflictError, RecordNotFoundError
from storage.row_values import as_record
from storage.tables import (
    Comparison,
    Completion,
    Feedback,
    WorklistAssignment,
    WorklistItem,
    WorklistPair,
)
from storage.worklists.records import WorklistRecord


def _select_pairs(worklist_id: str) -> Select[str]:
    """Pairs of a list, which are ready once they are drawn."""
    return select(WorklistPair.id).join(WorklistItem).where(WorklistItem.worklist_id == worklist_id)


def _select_busy_pairs(worklist_id: str, rater_id: str) -> Select[str]:
    """Pairs of the item that the rater has open."""
    return (
        _select_pairs(worklist_id)
        .join(WorklistAssignment, WorklistAssignment.item_id == WorklistPair.item_id)
        .where(WorklistAssignment.rater_id == rater_id, WorklistAssignment.ended_at.is_(None))
    )


PAIRS = AssignmentKind(
    table=Comparison,
    key=Comparison.pair_id,
    record=ComparisonRecord,
    select_ready=_select_pairs,
    select_busy=_select_busy_pairs,
    select_spoiled=None,
)


def next_comparison(
    session: Session, worklist: WorklistRecord, rater_id: str, washout_before: datetime
) -> ComparisonRecord | None:
    """The rater's open comparison, or their next one (see `assign_next`); None without one."""
    return PAIRS.assign_next(session, worklist, rater_id, washout_before)


def compare_question(session: Session, rater_id: str, question_id: str) -> ComparisonRecord:
    """Start comparing the two completions of the rater's own question."""
    row = Comparison(rater_id=rater_id, question_id=question_id)
    session.add(row)
    session.flush()
    return as_record(ComparisonRecord, row)


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
    row.feedback_id = feedback_id
    end_row(session, row)
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
    end_row(session, row, skipped=True)
    return as_record(ComparisonRecord, row)


def pair_progress(session: Session, worklist: WorklistRecord, rater_id: str) -> PairProgress:
    """One rater's progress through a list's pairs."""
    share = PAIRS.measure_share(session, worklist, rater_id)
    return PairProgress(count_pairs(session, worklist.id), share.size, share.done)


def find_repeated_comparison(
    session: Session, comparison: ComparisonRecord
) -> ComparisonRecord | None:
    """The repeat of a comparison for the same rater; None if there is none.

    The rater's first vote stays hidden until the repeat ends.
    """
    if comparison.pair_id is None:
        return None
    latest = PAIRS.find_latest(session, comparison.pair_id, comparison.rater_id)
    return latest if latest is not None and latest.round > comparison.round else None


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


def _row(session: Session, comparison_id: str, rater_id: str) -> Comparison:
    bad = "\0" in comparison_id  # PostgreSQL would report an error instead of an unknown id
    row = None if bad else session.get(Comparison, comparison_id, with_for_update=True)
    if row is None or row.rater_id != rater_id:
        raise RecordNotFoundError(user_messages.NO_COMPARISON)
    return row
