"""Assignment of worklist items to raters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.assignment import Assignment, choose_first, choose_repeat, list_unassigned
from storage.comparisons.pair_assignment import list_compared_items
from storage.errors import ConflictError
from storage.feedback.vocabulary import UNDONE
from storage.row_values import as_record
from storage.tables import Completion, Feedback, Worklist, WorklistAssignment, WorklistItem, now
from storage.worklists.records import AssignmentRecord, WorklistProgress, WorklistRecord


def find_assignment(session: Session, item_id: str, rater_id: str) -> AssignmentRecord | None:
    """A rater's last assignment of an item; None if it was never assigned to them."""
    row = session.scalar(
        select(WorklistAssignment)
        .where(WorklistAssignment.item_id == item_id, WorklistAssignment.rater_id == rater_id)
        .order_by(WorklistAssignment.round.desc())
        .limit(1)
    )
    return None if row is None else as_record(AssignmentRecord, row)


def list_assignments(session: Session, worklist_id: str) -> list[AssignmentRecord]:
    """All raters' assignments of a list's items, oldest first."""
    of_list = (
        select(WorklistAssignment)
        .join(WorklistItem, WorklistItem.id == WorklistAssignment.item_id)
        .where(WorklistItem.worklist_id == worklist_id)
        .order_by(WorklistAssignment.started_at, WorklistAssignment.id)
    )
    return [as_record(AssignmentRecord, row) for row in session.scalars(of_list)]


def next_assignment(
    session: Session, worklist: WorklistRecord, rater_id: str, washout_before: datetime
) -> AssignmentRecord | None:
    """The rater's open assignment, or their next one; None if there is none now.

    Every rater has their own order. Items rated before `washout_before` are repeated once, ahead of
    new ones, up to the list's share of repeats.
    """
    # Serialise, so that two raters are not assigned an item meant for one.
    session.get_one(Worklist, worklist.id, with_for_update=True)
    assignments = _own_assignments(session, worklist.id, rater_id)
    open_rows = [turn for turn in assignments if turn.ended_at is None]
    if open_rows:
        return as_record(AssignmentRecord, open_rows[0])
    given = [
        Assignment(turn.item_id, turn.round, turn.ended_at, turn.skipped) for turn in assignments
    ]
    again = choose_repeat(worklist, given, rater_id, washout_before)
    item_id = again or choose_first(
        _unassigned_items(session, worklist, rater_id, assignments), rater_id
    )
    if item_id is None:
        return None
    row = WorklistAssignment(item_id=item_id, rater_id=rater_id, round=int(again is not None))
    session.add(row)
    session.flush()
    return as_record(AssignmentRecord, row)


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
    if row.ended_at is not None:
        return False
    rated = bool(_rated_since(session, row))
    if not skipped and not rated:
        raise ConflictError(user_messages.RATING_MISSING)
    row.ended_at, row.skipped = now(), skipped and not rated
    session.flush()
    return True


def find_repeat_start(session: Session, question_id: str, rater_id: str) -> datetime | None:
    """When the rater's open repeat of an item started; None if there is none.

    The rater's earlier feedback stays hidden until the repeat ends.
    """
    return session.scalar(
        select(WorklistAssignment.started_at)
        .join(WorklistItem, WorklistItem.id == WorklistAssignment.item_id)
        .where(WorklistItem.question_id == question_id, WorklistAssignment.rater_id == rater_id)
        .where(WorklistAssignment.round > 0, WorklistAssignment.ended_at.is_(None))
    )


def list_rated_completions(session: Session, assignment_id: str) -> set[str]:
    """Completions with a verdict or preference by the rater since the assignment started."""
    return _rated_since(session, session.get_one(WorklistAssignment, assignment_id))


def worklist_progress(
    session: Session, worklist: WorklistRecord, rater_id: str
) -> WorklistProgress:
    """One rater's progress through a list."""
    of_list = select(func.count()).where(WorklistItem.worklist_id == worklist.id)
    ready_items = of_list.where(WorklistItem.question_id.is_not(None))
    items, ready = (
        session.scalar(statement.select_from(WorklistItem)) or 0
        for statement in (of_list, ready_items)
    )
    assignments = _own_assignments(session, worklist.id, rater_id)
    ended = [turn for turn in assignments if turn.round == 0 and turn.ended_at is not None]
    return WorklistProgress(
        items=items,
        made=ready,
        mine=len({turn.item_id for turn in assignments})
        + len(_unassigned_items(session, worklist, rater_id, assignments)),
        done=len(ended),
        skipped=sum(turn.skipped for turn in ended),
    )


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


def _own_assignments(session: Session, worklist_id: str, rater_id: str) -> list[WorklistAssignment]:
    statement = (
        select(WorklistAssignment)
        .join(WorklistItem, WorklistItem.id == WorklistAssignment.item_id)
        .where(WorklistItem.worklist_id == worklist_id, WorklistAssignment.rater_id == rater_id)
        .order_by(WorklistAssignment.started_at, WorklistAssignment.id)
    )
    return list(session.scalars(statement))


def _unassigned_items(
    session: Session,
    worklist: WorklistRecord,
    rater_id: str,
    assignments: Sequence[WorklistAssignment],
) -> list[str]:
    """Items with completions that are new to the rater and assignable to them."""
    seen_items = {turn.item_id for turn in assignments}
    if worklist.blind:
        seen_items |= list_compared_items(session, worklist.id, rater_id)
    items_of_others = set(
        session.scalars(
            select(WorklistAssignment.item_id)
            .join(WorklistItem, WorklistItem.id == WorklistAssignment.item_id)
            .where(WorklistItem.worklist_id == worklist.id, WorklistAssignment.rater_id != rater_id)
            .where(~WorklistAssignment.skipped)
        )
    )
    ready_items = session.scalars(
        select(WorklistItem.id).where(
            WorklistItem.worklist_id == worklist.id, WorklistItem.question_id.is_not(None)
        )
    )
    return list_unassigned(worklist, ready_items, seen_items, items_of_others)
