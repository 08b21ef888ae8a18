"""Questions, completions and deletion checks: storing them and looking them up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage import user_messages
from storage.errors import ConflictError, RecordNotFoundError
from storage.questions.records import (
    CompletionRecord,
    DeletionCheckRecord,
    NewCompletion,
    NewDeletionCheck,
    NewQuestion,
    QuestionRecord,
    QuestionStart,
)
from storage.row_values import as_record
from storage.tables import (
    Completion,
    DeletionCheck,
    Question,
    WorklistItem,
    WorklistQuestion,
    now,
)

LONGEST_RUN = timedelta(days=1)
"""Upper bound on the duration of a run."""


def add_question(
    session: Session, new: NewQuestion, question_id: str | None = None
) -> QuestionRecord:
    """Store a question, optionally under a given id; its picture must be stored."""
    row = Question(**asdict(new))
    if question_id is not None:
        row.id = question_id
    session.add(row)
    session.flush()
    return as_record(QuestionRecord, row)


def start_question(session: Session, question_id: str, start: QuestionStart) -> QuestionRecord:
    """Add the facts known once the model has started; raises RecordNotFoundError."""
    row = _row(session, question_id)
    for name, value in asdict(start).items():
        setattr(row, name, value)
    session.flush()
    return as_record(QuestionRecord, row)


def freeze_first_answer(
    session: Session, question_id: str, answer: str, confidence: int | None
) -> QuestionRecord:
    """Store the rater's own first answer; raises ConflictError if there is one already."""
    row = _row(session, question_id, lock=True)
    if row.first_answer is not None:
        raise ConflictError(user_messages.FIRST_ANSWER_FINAL)
    row.first_answer, row.first_confidence, row.first_answer_at = answer, confidence, now()
    session.flush()
    return as_record(QuestionRecord, row)


def end_question(
    session: Session, question_id: str, state: str, failure: str | None = None
) -> QuestionRecord:
    """End a question's run as `done`, `stopped`, or `failed` with a message."""
    row = _row(session, question_id)
    row.state, row.failure, row.ended_at = state, failure, now()
    session.flush()
    return as_record(QuestionRecord, row)


def fail_interrupted(session: Session, writer: str) -> int:
    """Mark questions left running by an earlier run of this writer as failed; return their number.

    Other programs may be writing to the same database; theirs are failed only after a day.
    """
    abandoned = or_(
        Question.writer == writer,
        Question.writer.is_(None),
        Question.created_at < now() - LONGEST_RUN,
    )
    cut_off = update(Question).where(Question.state == "running", abandoned)
    ended = cut_off.values(
        state="failed", failure=user_messages.QUESTION_INTERRUPTED, ended_at=now()
    ).returning(Question.id)
    return len(session.scalars(ended).all())


def add_completion(
    session: Session, question_id: str, new: NewCompletion, completion_id: str | None = None
) -> CompletionRecord:
    """Store a completion, optionally under a given id.

    Raises ConflictError if the question already has one with this index.
    """
    row = Completion(question_id=question_id, **asdict(new))
    if completion_id is not None:
        row.id = completion_id
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        _row(session, question_id)
        raise ConflictError(user_messages.completion_stored(new.index, question_id)) from error
    return as_record(CompletionRecord, row)


def set_attention(session: Session, completion_id: str, sha256: str | None) -> None:
    """Set the blob of a completion's attention; None if it is no longer stored."""
    _completion(session, completion_id).attention_sha256 = sha256
    session.flush()


def set_evidence(session: Session, completion_id: str, sha256: str | None) -> None:
    """Set the blob of a completion's evidence maps; None if it is no longer stored."""
    _completion(session, completion_id).evidence_sha256 = sha256
    session.flush()


def find_question(session: Session, question_id: str) -> QuestionRecord:
    """Question with this id, from any account; raises RecordNotFoundError."""
    return as_record(QuestionRecord, _row(session, question_id))


def find_completion(session: Session, completion_id: str) -> CompletionRecord:
    """One completion; raises RecordNotFoundError."""
    return as_record(CompletionRecord, _completion(session, completion_id))


def list_completions(session: Session, question_ids: Collection[str]) -> list[CompletionRecord]:
    """Completions of the questions, by question and index."""
    completions = select(Completion).where(Completion.question_id.in_(question_ids))
    ordered = completions.order_by(Completion.question_id, Completion.index)
    return [as_record(CompletionRecord, row) for row in session.scalars(ordered)]


def list_questions(
    session: Session,
    account_id: str,
    *,
    slide_id: str | None = None,
    before: str | None = None,
    limit: int = 20,
) -> list[QuestionRecord]:
    """An account's questions, newest first; `before` is an id that limits them to older ones."""
    # questions of worklists are shown there, to the raters assigned to them
    listed = select(WorklistItem.id).where(WorklistItem.question_id == Question.id)
    additional = select(WorklistQuestion.item_id).where(WorklistQuestion.question_id == Question.id)
    questions = select(Question).where(
        Question.account_id == account_id, ~listed.exists(), ~additional.exists()
    )
    if slide_id is not None:
        questions = questions.where(Question.slide_id == slide_id)
    if before is not None:
        last = _row(session, before)
        same_time = and_(Question.created_at == last.created_at, Question.id < last.id)
        questions = questions.where(or_(Question.created_at < last.created_at, same_time))
    newest = questions.order_by(Question.created_at.desc(), Question.id.desc()).limit(limit)
    return [as_record(QuestionRecord, row) for row in session.scalars(newest)]


def add_deletion_check(
    session: Session, completion_id: str, account_id: str, new: NewDeletionCheck
) -> DeletionCheckRecord:
    """Store a deletion check; completion and account must exist."""
    row = DeletionCheck(completion_id=completion_id, account_id=account_id, **asdict(new))
    session.add(row)
    session.flush()
    return as_record(DeletionCheckRecord, row)


def list_deletion_checks(
    session: Session, completion_ids: Collection[str]
) -> list[DeletionCheckRecord]:
    """Deletion checks of the completions, oldest first."""
    checks = select(DeletionCheck).where(DeletionCheck.completion_id.in_(completion_ids))
    ordered = checks.order_by(DeletionCheck.created_at, DeletionCheck.id)
    return [as_record(DeletionCheckRecord, row) for row in session.scalars(ordered)]


def _row(session: Session, question_id: str, *, lock: bool = False) -> Question:
    row = session.get(Question, question_id, with_for_update=lock or None)
    if row is None:
        raise RecordNotFoundError(user_messages.no_question(question_id[:64]))
    return row


def _completion(session: Session, completion_id: str) -> Completion:
    row = session.get(Completion, completion_id)
    if row is None:
        raise RecordNotFoundError(user_messages.no_completion(completion_id[:64]))
    return row
