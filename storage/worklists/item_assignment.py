"""Whose turn it is to judge an item of a worklist."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.assignment import Held, first_in_order, still_free, to_repeat
from storage.comparisons.pair_assignment import items_compared
from storage.errors import ConflictError
from storage.row_values import as_record
from storage.tables import Completion, Feedback, Worklist, WorklistItem, WorklistTurn, now
from storage.worklists.records import Progress, TurnRecord, WorklistRecord


def current_turn(session: Session, item_id: str, rater_id: str) -> TurnRecord | None:
    """A rater's last turn at an item; None if it was never his."""
    row = session.scalar(
        select(WorklistTurn)
        .where(WorklistTurn.item_id == item_id, WorklistTurn.rater_id == rater_id)
        .order_by(WorklistTurn.round.desc())
        .limit(1)
    )
    return None if row is None else as_record(TurnRecord, row)


def list_turns(session: Session, worklist_id: str) -> list[TurnRecord]:
    """All turns of all raters at the items of a list, the oldest first."""
    of_list = (
        select(WorklistTurn)
        .join(WorklistItem, WorklistItem.id == WorklistTurn.item_id)
        .where(WorklistItem.worklist_id == worklist_id)
        .order_by(WorklistTurn.started_at, WorklistTurn.id)
    )
    return [as_record(TurnRecord, row) for row in session.scalars(of_list)]


def next_turn(
    session: Session, worklist: WorklistRecord, rater_id: str, washed_out: datetime
) -> TurnRecord | None:
    """The turn that a rater has begun, or his next one; None if there is nothing for him now.

    Everybody has an order of his own. What he judged before `washed_out` comes again, once, before
    anything new, as far as the list repeats.
    """
    # one at a time, lest two raters are handed what is for one of them
    session.get_one(Worklist, worklist.id, with_for_update=True)
    turns = _turns(session, worklist.id, rater_id)
    going = [turn for turn in turns if turn.ended_at is None]
    if going:
        return as_record(TurnRecord, going[0])
    held = [Held(turn.item_id, turn.round, turn.ended_at, turn.skipped) for turn in turns]
    again = to_repeat(worklist, held, rater_id, washed_out)
    item_id = again or first_in_order(_free(session, worklist, rater_id, turns), rater_id)
    if item_id is None:
        return None
    row = WorklistTurn(item_id=item_id, rater_id=rater_id, round=int(again is not None))
    session.add(row)
    session.flush()
    return as_record(TurnRecord, row)


def answer_first(session: Session, turn_id: str, answer: str, confidence: int | None) -> TurnRecord:
    """Keep the rater's own answer; raises ConflictError where there is one."""
    row = session.get(WorklistTurn, turn_id, with_for_update=True)
    if row is None or row.first_answer is not None:
        raise ConflictError("Your answer is kept already and cannot be changed.")
    row.first_answer, row.first_confidence, row.first_answer_at = answer, confidence, now()
    session.flush()
    return as_record(TurnRecord, row)


def end_turn(session: Session, turn_id: str, *, skipped: bool = False) -> bool:
    """The rater is done with it; raises ConflictError if nothing was judged nor skipped.

    An item that something was judged of is not skipped. False if it was done with before, by
    another tab of his: then it stays as it is.
    """
    row = session.get_one(WorklistTurn, turn_id, with_for_update=True)
    if row.ended_at is not None:
        return False
    judged = bool(_judged_since(session, row))
    if not skipped and not judged:
        raise ConflictError("Nothing was judged yet; judge an answer, or skip the item.")
    row.ended_at, row.skipped = now(), skipped and not judged
    session.flush()
    return True


def repeat_began(session: Session, reading_id: str, rater_id: str) -> datetime | None:
    """When an item that a rater has once more in his hands was given to him again; else None.

    Until that turn ends he judges afresh: what he said the first time is not for him to see.
    """
    return session.scalar(
        select(WorklistTurn.started_at)
        .join(WorklistItem, WorklistItem.id == WorklistTurn.item_id)
        .where(WorklistItem.reading_id == reading_id, WorklistTurn.rater_id == rater_id)
        .where(WorklistTurn.round > 0, WorklistTurn.ended_at.is_(None))
    )


def judged_in_turn(session: Session, turn_id: str) -> set[str]:
    """Completions that the rater has given a verdict or a preference on since the turn began."""
    return _judged_since(session, session.get_one(WorklistTurn, turn_id))


def progress(session: Session, worklist: WorklistRecord, rater_id: str) -> Progress:
    """How far a list is, for one rater."""
    of_list = select(func.count()).where(WorklistItem.worklist_id == worklist.id)
    made = of_list.where(WorklistItem.reading_id.is_not(None))
    items, ready = (session.scalar(each.select_from(WorklistItem)) or 0 for each in (of_list, made))
    turns = _turns(session, worklist.id, rater_id)
    ended = [turn for turn in turns if turn.round == 0 and turn.ended_at is not None]
    return Progress(
        items=items,
        made=ready,
        mine=len({turn.item_id for turn in turns}) + len(_free(session, worklist, rater_id, turns)),
        done=len(ended),
        skipped=sum(turn.skipped for turn in ended),
    )


def _judged_since(session: Session, turn: WorklistTurn) -> set[str]:
    said = (
        select(Feedback.completion_id, Feedback.other_completion_id)
        .join(Completion, Completion.id == Feedback.completion_id)
        .join(WorklistItem, WorklistItem.reading_id == Completion.reading_id)
        .where(WorklistItem.id == turn.item_id, Feedback.rater_id == turn.rater_id)
        .where(Feedback.kind.in_(("verdict", "preference")))
        .where(Feedback.choice.is_distinct_from("undone"))
        .where(Feedback.created_at >= turn.started_at)
    )
    return {each for pair in session.execute(said) for each in pair if each is not None}


def _turns(session: Session, worklist_id: str, rater_id: str) -> list[WorklistTurn]:
    mine = (
        select(WorklistTurn)
        .join(WorklistItem, WorklistItem.id == WorklistTurn.item_id)
        .where(WorklistItem.worklist_id == worklist_id, WorklistTurn.rater_id == rater_id)
        .order_by(WorklistTurn.started_at, WorklistTurn.id)
    )
    return list(session.scalars(mine))


def _free(
    session: Session, worklist: WorklistRecord, rater_id: str, turns: Sequence[WorklistTurn]
) -> list[str]:
    """Items that are made, new to the rater, and his to judge."""
    seen = {turn.item_id for turn in turns}
    if worklist.blind:
        seen |= items_compared(session, worklist.id, rater_id)
    of_others = set(
        session.scalars(
            select(WorklistTurn.item_id)
            .join(WorklistItem, WorklistItem.id == WorklistTurn.item_id)
            .where(WorklistItem.worklist_id == worklist.id, WorklistTurn.rater_id != rater_id)
            .where(~WorklistTurn.skipped)
        )
    )
    made = session.scalars(
        select(WorklistItem.id).where(
            WorklistItem.worklist_id == worklist.id, WorklistItem.reading_id.is_not(None)
        )
    )
    return still_free(worklist, made, seen, of_others)
