"""Worklists and their items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.errors import ConflictError, NameTakenError, RecordNotFoundError
from storage.names import list_stored_spellings, normalize_name
from storage.row_values import as_record
from storage.tables import Worklist, WorklistItem, WorklistQuestion
from storage.worklists.records import ItemRecord, NewItem, NewWorklist, WorklistRecord


def add_worklist(session: Session, new: NewWorklist, items: Sequence[NewItem]) -> WorklistRecord:
    """Store a list with its items; raises NameTakenError."""
    taken = Worklist.name.in_(list_stored_spellings(new.name))
    if session.scalar(select(Worklist.id).where(taken).limit(1)):
        raise NameTakenError(user_messages.worklist_name_taken(new.name))
    row = Worklist(**asdict(new) | {"name": normalize_name(new.name)})
    session.add(row)
    session.flush()
    for position, item in enumerate(items):
        values = asdict(item) | {"options": list(item.options)}
        session.add(WorklistItem(worklist_id=row.id, position=position, **values))
    session.flush()
    return as_record(WorklistRecord, row)


def list_worklists(session: Session) -> list[WorklistRecord]:
    """All lists, by name."""
    rows = session.scalars(select(Worklist).order_by(Worklist.name))
    return [as_record(WorklistRecord, row) for row in rows]


def find_worklist(session: Session, key: str) -> WorklistRecord:
    """Worklist by id or name; raises RecordNotFoundError."""
    named = Worklist.name.in_(list_stored_spellings(key))
    row = session.scalar(select(Worklist).where(or_(Worklist.id == key, named)).limit(1))
    if row is None:
        raise RecordNotFoundError(user_messages.no_worklist(key[:64]))
    return as_record(WorklistRecord, row)


def list_items(session: Session, worklist_id: str) -> list[ItemRecord]:
    """A list's items in order."""
    rows = session.scalars(
        select(WorklistItem)
        .where(WorklistItem.worklist_id == worklist_id)
        .order_by(WorklistItem.position)
    )
    return [as_record(ItemRecord, row) for row in rows]


def find_item(session: Session, item_id: str) -> ItemRecord:
    """One item; raises RecordNotFoundError."""
    row = session.get(WorklistItem, item_id)
    if row is None:
        raise RecordNotFoundError(user_messages.no_worklist_item(item_id[:64]))
    return as_record(ItemRecord, row)


def find_item_of_question(session: Session, question_id: str) -> ItemRecord | None:
    """Item that a question was asked for, to any model; None for a user's own question."""
    beside = select(WorklistQuestion.item_id).where(WorklistQuestion.question_id == question_id)
    row = session.scalar(
        select(WorklistItem).where(
            or_(WorklistItem.question_id == question_id, WorklistItem.id.in_(beside))
        )
    )
    return None if row is None else as_record(ItemRecord, row)


def freeze_item(session: Session, item_id: str, question_id: str) -> None:
    """Set the question with an item's completions; raises ConflictError if there is one already."""
    row = session.get(WorklistItem, item_id, with_for_update=True)
    if row is None or row.question_id is not None:
        raise ConflictError(user_messages.ITEM_ALREADY_GENERATED)
    row.question_id = question_id
    session.flush()
