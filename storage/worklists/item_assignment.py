"""Assignment of worklist items to raters."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.assignment import AssignmentKind, end_row
from storage.errors import ConflictError
from storage.feedback.vocabulary import UNDONE
from storage.row_values import as_record
from storage.tables import (
    Comparison,
    Completion,
    Feedback,
    WorklistAssignment,
    WorklistItem,
    WorklistPair,
    now,
)
from storage.worklists.records import AssignmentRecord, WorklistProgress, WorklistRecord


def _select_ready_items(worklist_id: str) -> Select[str]:
    """Items with completions."""
    return select(WorklistItem.id).where(
        WorklistItem.worklist_id == worklist_id, WorklistItem.question_id.is_not(None)
    )


def _select_compared_items(worklist_id: str, rater_id: str) -> Select[str]:
    """Items whose completions a rater has seen side by side."""
    return (
        select(WorklistPair.item_id)
        .join(Comparison, Comparison.pair_id == WorklistPair.id)
        .where(Comparison.rater_id == rater_id)
        .where(WorklistPair.item_id.in_(_select_ready_items(worklist_id)))
    )


def _select_busy_items(worklist_id: str, rater_id: str) -> Select[str]:
    """Items with a pair that awaits the rater's vote."""
    return _select_compared_items(worklist_id, rater_id).where(Comparison.ended_at.is_(None))


ITEMS = AssignmentKind(
    table=WorklistAssignment,
    key=WorklistAssignment.item_id,
    record=AssignmentRecord,
    select_ready=_select_ready_items,
    select_busy=_select_busy_items,
    select_spoiled=_select_compared_items,
)


def find_assignment(session: Session, item_id: str, rater_id: str) -> AssignmentRecord | None:
    """A rater's last assignment of an item; None if it was never assigned to them."""
    return ITEMS.find_latest(session, item_id, rater_id)


def list_assignments(session: Session, worklist_id: str) -> list[AssignmentRecord]:
    """All raters' assignments of a list's items, oldest first."""
    rows = session.scalars(ITEMS.select_rows(worklist_id))
    return [as_record(AssignmentRecord, row) for row in rows]


def next_assignment(
    session: Session, worklist: WorklistRecord, rater_id: str, washout_before: datetime
) -> AssignmentRecord | None:
    """The rater's open assignment, or their next one (see `assign_next`); None without one."""
    return ITEMS.assign_next(session, worklist, rater_id, washout_before)


def freeze_assignment_answer(
    session: Session, assignment_id: str, answer: str, confidence: int | None
) -> AssignmentRecord:
    """Store the rater's own answer; raises ConflictError if there is one already."""
    row = session.get(WorklistAssignment, assignment_id, with_for_update=True)
    if row is None or row.first_answer is not None:
        raise ConflictError(user_messages.FIRST_ANSWER_FINAL)
    row.first_answer, row.first_confidence, row.first_answer_at = answer, confidence, now()
    session.flush()
    return as_record(AssignmentRecord, row)


def end_assignment(session: Session, assignment_id: str, *, skipped: bool = False) -> bool:
    """End an assignment; raises ConflictError if nothing was rated and it is not skipped.

    An item with feedback is not marked as skipped. Returns False, and changes nothing, if the
    assignment has already ended, for example in another tab.
    """
    row = session.get_one(WorklistAssignment, assignment_id, with_for_update=True)
    rated = bool(_rated_since(session, row))
    if row.ended_at is None and not skipped and not rated:
        raise ConflictError(user_messages.RATING_MISSING)
    return end_row(session, row, skipped=skipped and not rated)


def list_rated_completions(session: Session, assignment_id: str) -> set[str]:
    """Completions with a verdict or preference by the rater since the assignment started."""
    return _rated_since(session, session.get_one(WorklistAssignment, assignment_id))


def worklist_progress(
    session: Session, worklist: WorklistRecord, rater_id: str
) -> WorklistProgress:
    """One rater's progress through a list."""
    counted = select(func.count(), func.count(WorklistItem.question_id))
    of_list = counted.where(WorklistItem.worklist_id == worklist.id)
    items, ready = session.execute(of_list).one()
    share = ITEMS.measure_share(session, worklist, rater_id)
    return WorklistProgress(items, ready, share.size, share.done, share.skipped)


def _rated_since(session: Session, assignment: WorklistAssignment) -> set[str]:
    feedback = (
        select(Feedback.completion_id, Feedback.other_completion_id)
        .join(Completion, Completion.id == Feedback.completion_id)
        .join(WorklistItem, WorklistItem.question_id == Completion.question_id)
        .where(WorklistItem.id == assignment.item_id, Feedback.rater_id == assignment.rater_id)
        .where(Feedback.kind.in_(("verdict", "preference")))
        .where(Feedback.choice.is_distinct_from(UNDONE))
        .where(Feedback.created_at >= assignment.started_at)
    )
    return {
        completion_id
        for pair in session.execute(feedback)
        for completion_id in pair
        if completion_id is not None
    }
