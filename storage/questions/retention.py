"""Retention: bounding stored attention and evidence, and deleting files marked as removed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from storage.blobs import BlobStore
from storage.database import Database
from storage.tables import AuditEntry, Blob, Completion, Question, Slide, WorklistItem, now
from storage.withdrawals import select_rated_questions


def forget_attention(session: Session, most_bytes: int) -> int:
    """Drop the oldest attention and evidence above `most_bytes`; return the number of files.

    Completions stay and record that the file was dropped. `remove_files` deletes the files.
    """
    conditions = [Blob.kind.in_(("attention", "evidence")), Blob.removed_at.is_(None)]
    total = session.scalar(select(func.sum(Blob.byte_count)).where(*conditions)) or 0
    if total <= most_bytes:
        return 0
    oldest = select(Blob.sha256, Blob.byte_count).where(*conditions)
    count = 0
    for sha256, byte_count in session.execute(oldest.order_by(Blob.created_at, Blob.sha256)).all():
        if total <= most_bytes:
            break
        for column in (Completion.attention_sha256, Completion.evidence_sha256):
            forget = update(Completion).where(column == sha256).values({column: None})
            session.execute(forget)
        session.execute(update(Blob).where(Blob.sha256 == sha256).values(removed_at=now()))
        total -= byte_count
        count += 1
    return count


def find_newest_row(session: Session, before: datetime) -> datetime | None:
    """Return the time of the newest audit entry or question up to a time; None if there is none."""
    entry = select(func.max(AuditEntry.at)).where(AuditEntry.at <= before)
    question = select(func.max(Question.created_at)).where(Question.created_at <= before)
    times = (session.scalar(entry), session.scalar(question))
    return max((each for each in times if each is not None), default=None)


def list_uploads_with_work(session: Session, folder: str) -> tuple[frozenset[str], frozenset[str]]:
    """Slides in a folder by relative path: all, and those to keep.

    A slide is kept if a completion about it has feedback or a worklist asks about it.
    """
    here = select(Slide.relative_path).where(Slide.folder == folder)
    about = select(Question.slide_id).where(
        or_(Question.id.in_(select_rated_questions()), Question.first_answer.is_not(None))
    )
    listed = select(WorklistItem.slide_id)
    stay = here.where(or_(Slide.id.in_(about), Slide.id.in_(listed)))
    return frozenset(session.scalars(here)), frozenset(session.scalars(stay))


def remove_files(database: Database, store: BlobStore) -> int:
    """Delete the files whose rows mark them as removed; return their number.

    Runs in a writing transaction, because storing the same bytes again uses one too. Raises
    StorageError.
    """
    there = set(store.list_names())
    removed = 0
    with database.session() as session:
        gone = select(Blob.sha256).where(Blob.removed_at.is_not(None)).with_for_update()
        for sha256 in session.scalars(gone):
            if sha256 in there:
                store.remove(sha256)
                removed += 1
    return removed
