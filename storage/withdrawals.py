"""Withdrawal of a case's or rater's data; a tombstone remains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, delete, false, or_, select, text, update
from sqlalchemy.orm import Session

from storage.comparisons.pairs import select_item_questions
from storage.row_values import as_record
from storage.tables import (
    Blob,
    Case,
    Comparison,
    Completion,
    CurrentFeedback,
    DeletionCheck,
    ExportedCompletion,
    Feedback,
    Question,
    Region,
    Slide,
    Withdrawal,
    WorklistAssignment,
    WorklistItem,
    WorklistPair,
    WorklistQuestion,
    now,
)

Kind = Literal["case", "rater", "unjudged"]
BATCH_SIZE = 10_000
"""Ids per statement; databases limit the number of values."""


@dataclass(frozen=True)
class WithdrawalRecord:
    """A tombstone."""

    id: str
    """UUID as text."""

    at: datetime
    """Time of the withdrawal, UTC."""

    kind: str
    """`case`, `rater`, or `unjudged` (a rater's questions without feedback)."""

    subject_id: str
    """Id of the case or of the rater's account."""

    account_id: str
    """Account that withdrew it."""

    detail: dict[str, Any]
    """Counts of removed rows; `question_ids` finds rows of earlier exports by `item_id`, and
    `datasets` are the SHA-256 of the exported versions that contain removed data.
    """


@dataclass(frozen=True)
class Removal:
    """Ids of rows about to be removed."""

    questions: tuple[str, ...]
    """Questions."""

    completions: tuple[str, ...]
    """Their completions."""

    feedback: tuple[str, ...]
    """Feedback on them, and the rater's feedback on others."""

    blobs: tuple[str, ...]
    """SHA-256 of pictures, attention and evidence that nothing else needs."""

    regions: tuple[str, ...]
    """Regions drawn."""


def withdraw_case(session: Session, case_id: str, actor_id: str) -> WithdrawalRecord:
    """Remove all questions and feedback about a case's slides, and the slides' descriptions.

    The picture files remain; `list_removed_blobs` names them.
    """
    slides = select(Slide.id).where(Slide.case_id == case_id)
    question_ids = select(Question.id).where(Question.slide_id.in_(slides))
    completions = _select_completions(question_ids)
    about = or_(
        Feedback.completion_id.in_(completions), Feedback.other_completion_id.in_(completions)
    )
    items = select(WorklistItem.id).where(WorklistItem.slide_id.in_(slides))
    session.execute(delete(WorklistAssignment).where(WorklistAssignment.item_id.in_(items)))
    _delete_pairs(session, items, question_ids)
    removal = _collect_removal(session, question_ids, about, Region.slide_id.in_(slides))
    session.execute(delete(WorklistItem).where(WorklistItem.id.in_(items)))
    tombstone = _remove(session, "case", case_id, actor_id, removal)
    no_description = {"organ": None, "specimen": None, "stain": None, "scanner": None}
    session.execute(update(Slide).where(Slide.case_id == case_id).values(no_description))
    nothing = {"reference_answer": None, "reference_source": None}
    name = f"withdrawn {case_id[:8]}"
    session.execute(update(Case).where(Case.id == case_id).values(name=name, **nothing))
    return tombstone


def withdraw_rater(session: Session, account_id: str, actor_id: str) -> WithdrawalRecord:
    """Remove an account's feedback, regions, and questions that nobody else rated.

    Its questions that others rated stay, without its own first answer, since they are others' work
    too.
    """
    own = _select_removable(
        account_id, select_rated_questions().where(Feedback.rater_id != account_id)
    )
    session.execute(delete(WorklistAssignment).where(WorklistAssignment.rater_id == account_id))
    session.execute(delete(Comparison).where(Comparison.rater_id == account_id))
    own_feedback, own_regions = Feedback.rater_id == account_id, Region.account_id == account_id
    tombstone = _remove(
        session,
        "rater",
        account_id,
        actor_id,
        _collect_removal(session, own, own_feedback, own_regions),
    )
    # nobody can answer first any more, so the question no longer waits for it
    nothing = {"first_answer": None, "first_confidence": None, "first_answer_at": None}
    session.execute(
        update(Question).where(Question.account_id == account_id).values(nothing | {"blind": False})
    )
    return tombstone


def withdraw_unrated(session: Session, account_id: str, actor_id: str) -> WithdrawalRecord:
    """Remove an account's questions without feedback; its feedback and what that refers to stay."""
    own, own_regions = (
        _select_removable(account_id, select_rated_questions()),
        Region.account_id == account_id,
    )
    session.execute(delete(Comparison).where(Comparison.question_id.in_(own)))
    return _remove(
        session,
        "unjudged",
        account_id,
        actor_id,
        _collect_removal(session, own, false(), own_regions),
    )


def withdraw_expired(session: Session, before: datetime, actor_id: str) -> list[WithdrawalRecord]:
    """Remove questions asked before a time that have no feedback, at most `BATCH_SIZE` per call.

    Each account gets a tombstone; the list is empty once nothing is left to remove. Questions with
    feedback or an own first answer stay, as do questions of worklists and those still running.
    """
    expired = _select_expired(before).subquery()
    accounts = list(session.scalars(select(expired.c.account_id).distinct()))
    return [_withdraw_expired(session, account, before, actor_id) for account in sorted(accounts)]


def _withdraw_expired(
    session: Session, account_id: str, before: datetime, actor_id: str
) -> WithdrawalRecord:
    expired = _select_expired(before).where(Question.account_id == account_id)
    oldest = expired.order_by(Question.created_at, Question.id).limit(BATCH_SIZE).subquery()
    own = select(Question.id).where(Question.id.in_(select(oldest.c.id)))
    session.execute(delete(Comparison).where(Comparison.question_id.in_(own)))
    return _remove(
        session, "unjudged", account_id, actor_id, _collect_removal(session, own, false(), false())
    )


def _select_expired(before: datetime) -> Select[str, str]:
    in_worklists = select(select_item_questions().c.question_id)
    return select(Question.id, Question.account_id).where(
        Question.created_at < before,
        Question.state != "running",
        Question.first_answer.is_(None),
        Question.id.not_in(select_rated_questions()),
        Question.id.not_in(in_worklists),
    )


def select_rated_questions() -> Select[str]:
    """Select questions whose completions have feedback."""
    about = or_(
        Feedback.completion_id == Completion.id, Feedback.other_completion_id == Completion.id
    )
    return select(Completion.question_id).join(Feedback, about)


def _select_removable(account_id: str, rated: Select[str]) -> Select[str]:
    """Select an account's questions, except rated ones and those of worklists."""
    in_worklists = select(select_item_questions().c.question_id)
    return select(Question.id).where(
        Question.account_id == account_id,
        Question.id.not_in(rated),
        Question.id.not_in(in_worklists),
    )


def _delete_pairs(session: Session, items: Select[str], question_ids: Select[str]) -> None:
    """Delete the comparisons and pairs of these items and questions."""
    pairs = select(WorklistPair.id).where(WorklistPair.item_id.in_(items))
    of_them = or_(Comparison.pair_id.in_(pairs), Comparison.question_id.in_(question_ids))
    session.execute(delete(Comparison).where(of_them))
    session.execute(delete(WorklistPair).where(WorklistPair.item_id.in_(items)))
    session.execute(delete(WorklistQuestion).where(WorklistQuestion.item_id.in_(items)))


def list_withdrawals(session: Session) -> list[WithdrawalRecord]:
    """All tombstones, oldest first."""
    rows = session.scalars(select(Withdrawal).order_by(Withdrawal.at, Withdrawal.id))
    return [as_record(WithdrawalRecord, row) for row in rows]


def list_removed_blobs(session: Session) -> list[str]:
    """SHA-256 of files that are to be deleted."""
    gone = select(Blob.sha256).where(Blob.removed_at.is_not(None)).order_by(Blob.sha256)
    return list(session.scalars(gone))


def _remove(
    session: Session, kind: Kind, subject_id: str, actor_id: str, removal: Removal
) -> WithdrawalRecord:
    """Write the tombstone, then remove the rows: the triggers require that order."""
    if session.get_bind().dialect.name == "sqlite":
        # overwrite removed data instead of only unlinking it
        session.execute(text("PRAGMA secure_delete = ON"))
    counts = {name: len(ids) for name, ids in asdict(removal).items()}
    datasets = _find_datasets(session, removal)
    detail = counts | {"question_ids": list(removal.questions), "datasets": datasets}
    row = Withdrawal(kind=kind, subject_id=subject_id, account_id=actor_id, detail=detail)
    session.add(row)
    session.flush()
    for table, column, ids in (
        (CurrentFeedback, CurrentFeedback.feedback_id, removal.feedback),
        (Feedback, Feedback.id, removal.feedback),
        (DeletionCheck, DeletionCheck.completion_id, removal.completions),
        (Completion, Completion.id, removal.completions),
        (Question, Question.id, removal.questions),
        (Region, Region.id, removal.regions),
    ):
        for some in split_into_batches(ids):
            session.execute(delete(table).where(column.in_(some)))
    for some in split_into_batches(removal.blobs):
        session.execute(update(Blob).where(Blob.sha256.in_(some)).values(removed_at=now()))
    return as_record(WithdrawalRecord, row)


def _find_datasets(session: Session, removal: Removal) -> list[str]:
    """SHA-256 of the exported versions with these completions, or made after this feedback."""
    about = or_(
        Feedback.completion_id == ExportedCompletion.completion_id,
        Feedback.other_completion_id == ExportedCompletion.completion_id,
    )
    versions = select(ExportedCompletion.dataset_sha256).distinct()
    rated = versions.join(Feedback, about).where(
        Feedback.created_at <= ExportedCompletion.exported_at
    )
    found: set[str] = set()
    for statement, column, ids in (
        (versions, ExportedCompletion.completion_id, removal.completions),
        (rated, Feedback.id, removal.feedback),
    ):
        for some in split_into_batches(ids):
            found.update(session.scalars(statement.where(column.in_(some))))
    return sorted(found)


def _collect_removal(
    session: Session,
    question_ids: Select[str],
    feedback_condition: ColumnElement[bool],
    region_condition: ColumnElement[bool],
) -> Removal:
    completions = _select_completions(question_ids)
    # newest first: feedback refers to what it supersedes
    feedback = (
        select(Feedback.id)
        .where(feedback_condition)
        .order_by(Feedback.created_at.desc(), Feedback.id)
    )
    return Removal(
        *(
            tuple(session.scalars(statement))
            for statement in (
                question_ids.order_by(Question.id),
                completions.order_by(Completion.id),
                feedback,
                _select_blobs(question_ids),
                select(Region.id).where(region_condition).order_by(Region.id),
            )
        )
    )


def _select_blobs(question_ids: Select[str]) -> Select[str]:
    """Select files that only these questions use."""
    completions = _select_completions(question_ids)
    theirs = or_(
        Blob.sha256.in_(select(Question.pixels_sha256).where(Question.id.in_(question_ids))),
        Blob.sha256.in_(select(Completion.attention_sha256).where(Completion.id.in_(completions))),
        Blob.sha256.in_(select(Completion.evidence_sha256).where(Completion.id.in_(completions))),
    )
    others = (
        select(Question.id).where(
            Question.pixels_sha256 == Blob.sha256, Question.id.not_in(question_ids)
        ),
        select(Completion.id).where(
            Completion.attention_sha256 == Blob.sha256, Completion.id.not_in(completions)
        ),
        select(Completion.id).where(
            Completion.evidence_sha256 == Blob.sha256, Completion.id.not_in(completions)
        ),
    )
    needed = or_(*(other.exists() for other in others))
    there = select(Blob.sha256).where(Blob.removed_at.is_(None), theirs, ~needed)
    return there.order_by(Blob.sha256)


def _select_completions(question_ids: Select[str]) -> Select[str]:
    return select(Completion.id).where(Completion.question_id.in_(question_ids))


def split_into_batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Split ids into batches that fit into one statement."""
    for start in range(0, len(ids), BATCH_SIZE):
        yield ids[start : start + BATCH_SIZE]
