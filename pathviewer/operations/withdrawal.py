"""Withdrawal of a case or a rater: rows, pictures, attention archives, traces in the database
log."""

from __future__ import annotations

from dataclasses import dataclass

from pathviewer.operations import user_messages
from pathviewer.operations.errors import UpkeepError
from storage.accounts.store import find_account
from storage.audit import add_entry
from storage.blobs import BlobStore
from storage.cases.store import find_case
from storage.database import Database
from storage.tables import LOCAL_ACCOUNT_ID
from storage.withdrawals import (
    WithdrawalRecord,
    list_removed_blobs,
    withdraw_case,
    withdraw_rater,
    withdraw_unrated,
)

_WITHDRAW = {"case": withdraw_case, "rater": withdraw_rater, "unjudged": withdraw_unrated}


@dataclass(frozen=True)
class Subject:
    """Subject of a withdrawal."""

    kind: str
    """`case`, `rater`, or `unjudged`: a rater's questions without feedback."""
    id: str
    """Id of the case or account."""


def find_subject(database: Database, case: str | None, rater: str | None) -> Subject:
    """Find a case or an account by name; exactly one must be given. Raises UpkeepError."""
    if (case is None) == (rater is None):
        raise UpkeepError(user_messages.CASE_OR_RATER)
    with database.read_only() as session:
        subject_record = (
            find_account(session, (rater or "").lower())
            if case is None
            else find_case(session, case)
        )
    if subject_record is None:
        kind, name = ("account", rater) if case is None else ("case", case)
        raise UpkeepError(user_messages.no_such_subject(kind, name))
    return Subject("rater" if case is None else "case", subject_record.id)


def withdraw(
    database: Database, blobs: BlobStore, subject: Subject
) -> tuple[WithdrawalRecord, bool]:
    """Withdraw a subject; return the tombstone and whether the database log is empty.

    Raises StorageError. Files are removed after the rows; after an interruption, the next
    withdrawal removes them.
    """
    with database.session() as session:
        withdrawal = _WITHDRAW[subject.kind](session, subject.id, LOCAL_ACCOUNT_ID)
        detail = {
            name: withdrawal.detail[name] for name in ("questions", "completions", "feedback")
        }
        add_entry(session, LOCAL_ACCOUNT_ID, f"withdrew_{subject.kind}", subject.id, detail)
    with database.read_only() as session:
        removed_hashes = list_removed_blobs(session)
    for name in removed_hashes:
        blobs.remove(name)
    return withdrawal, database.checkpoint()
