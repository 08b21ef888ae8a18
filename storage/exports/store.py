"""Completions in exported data sets: storing them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from storage.tables import Completion, ExportedCompletion, now
from storage.withdrawals import split_into_batches


@dataclass(frozen=True)
class DatasetVersion:
    """A version of a data set, as exported."""

    dataset_sha256: str
    """SHA-256 of its content."""

    format: str
    """Name of the export format."""

    account_id: str | None
    """Account that exported it; None for the command line."""


def add_exported_completions(
    session: Session, version: DatasetVersion, completion_ids: Collection[str]
) -> None:
    """Store which completions are in a version.

    Nothing is added for completions that the version already has, from an earlier export of the
    same content, nor for those that were withdrawn meanwhile.
    """
    facts = asdict(version) | {"exported_at": now()}
    for ids in split_into_batches(sorted(completion_ids)):
        existing = select(Completion.id).where(Completion.id.in_(ids))
        # the lock makes the same export, or a withdrawal, wait for this transaction
        oldest_first = existing.order_by(Completion.created_at, Completion.id).with_for_update()
        locked = session.scalars(oldest_first).all()
        earlier = select(ExportedCompletion.completion_id).where(
            ExportedCompletion.dataset_sha256 == version.dataset_sha256,
            ExportedCompletion.completion_id.in_(ids),
        )
        present = set(session.scalars(earlier))
        rows = [facts | {"completion_id": each} for each in locked if each not in present]
        if rows:
            session.execute(insert(ExportedCompletion), rows)
