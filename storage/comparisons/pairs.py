"""Pairs of a worklist's frozen completions, and the additional questions they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Subquery

from storage import user_messages
from storage.comparisons.records import NewPair, PairRecord
from storage.errors import ConflictError, RecordNotFoundError, StorageError
from storage.row_values import as_record
from storage.tables import (
    Completion,
    Question,
    Worklist,
    WorklistItem,
    WorklistPair,
    WorklistQuestion,
)


@dataclass(frozen=True)
class FrozenCompletion:
    """A completion of an item, with what decides whether it is comparable."""

    item_id: str
    """Id of the item."""

    completion_id: str
    """Id of the completion."""

    text: str
    """Full text."""

    model: str
    """Model that wrote it."""

    model_revision: str | None
    """Weights of that model."""

    pixels_sha256: str
    """Picture that the model saw."""

    prompt: str
    """Prompt that the model read."""


def add_item_question(session: Session, item_id: str, question_id: str) -> None:
    """Record an item's question to another model or to other weights.

    Raises StorageError if the list already has pairs.
    """
    refuse_if_paired(session, session.get_one(WorklistItem, item_id).worklist_id)
    session.add(WorklistQuestion(item_id=item_id, question_id=question_id))
    session.flush()


def refuse_if_paired(session: Session, worklist_id: str) -> None:
    """Raise StorageError if a list has pairs; otherwise none are drawn during this transaction."""
    worklist = session.get_one(Worklist, worklist_id, with_for_update=True)
    if count_pairs(session, worklist_id):
        raise StorageError(user_messages.answers_not_comparable(worklist.name))


def list_item_models(session: Session, item_id: str) -> set[tuple[str, str | None]]:
    """Names and revisions of the models that answered an item."""
    of_item = select_item_questions()
    models = select(Question.model, Question.model_revision)
    joined = models.join(of_item, of_item.c.question_id == Question.id)
    rows = session.execute(joined.where(of_item.c.item_id == item_id))
    return {(name, revision) for name, revision in rows}


def list_frozen_completions(session: Session, worklist_id: str) -> list[FrozenCompletion]:
    """All completions of a list's items, by item position and completion id."""
    of_item = select_item_questions()
    columns = (
        WorklistItem.id,
        Completion.id,
        Completion.text,
        Question.model,
        Question.model_revision,
        Question.pixels_sha256,
        Question.prompt,
    )
    rows = (
        select(*columns)
        .join(of_item, of_item.c.item_id == WorklistItem.id)
        .join(Question, Question.id == of_item.c.question_id)
        .join(Completion, Completion.question_id == Question.id)
        .where(WorklistItem.worklist_id == worklist_id, Question.state == "done")
        .order_by(WorklistItem.position, Completion.id)
    )
    return [FrozenCompletion(*row) for row in session.execute(rows)]


def add_pairs(session: Session, worklist_id: str, pairs: Sequence[NewPair]) -> None:
    """Store a list's pairs; raises ConflictError if it already has some."""
    session.get_one(Worklist, worklist_id, with_for_update=True)  # serialise draws
    if count_pairs(session, worklist_id):
        raise ConflictError(user_messages.PAIRS_DRAWN_ONCE)
    for pair in pairs:
        first, second = sorted((pair.one_completion_id, pair.other_completion_id))
        ordered = {"one_completion_id": first, "other_completion_id": second}
        session.add(WorklistPair(**(asdict(pair) | ordered)))
    session.flush()


def count_pairs(session: Session, worklist_id: str) -> int:
    """Number of a list's pairs."""
    counted = select(func.count()).select_from(WorklistPair).join(WorklistItem)
    return session.scalar(counted.where(WorklistItem.worklist_id == worklist_id)) or 0


def list_pairs(session: Session, worklist_id: str) -> list[PairRecord]:
    """A list's pairs, by item."""
    pairs = select(WorklistPair).join(WorklistItem).where(WorklistItem.worklist_id == worklist_id)
    ordered = pairs.order_by(WorklistItem.position, WorklistPair.id)
    return [as_record(PairRecord, row) for row in session.scalars(ordered)]


def find_pair(session: Session, pair_id: str) -> PairRecord:
    """One pair; raises RecordNotFoundError."""
    row = session.get(WorklistPair, pair_id)
    if row is None:
        raise RecordNotFoundError(user_messages.no_pair(pair_id[:64]))
    return as_record(PairRecord, row)


def is_worklist_pair(session: Session, one_id: str, other_id: str) -> bool:
    """Whether two completions, in any order, are a pair of a worklist."""
    first, second = sorted((one_id, other_id))
    pair = select(WorklistPair.id).where(
        WorklistPair.one_completion_id == first, WorklistPair.other_completion_id == second
    )
    return session.scalar(pair) is not None


def select_item_questions() -> Subquery:
    """Select `item_id` and `question_id` of every question asked for an item."""
    first = select(WorklistItem.id.label("item_id"), WorklistItem.question_id.label("question_id"))
    beside = select(WorklistQuestion.item_id, WorklistQuestion.question_id)
    return union_all(first.where(WorklistItem.question_id.is_not(None)), beside).subquery()
