"""Append-only audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.row_values import as_record
from storage.tables import AuditEntry, now

_TABLE = AuditEntry.metadata.tables["audit_entries"]


@dataclass(frozen=True)
class AuditRecord:
    """An audited action."""

    id: int
    """Increases with every entry."""

    at: datetime
    """Time of the action, UTC."""

    account_id: str | None
    """Acting account; None if there is none."""

    action: str
    """Action, one word such as `login`."""

    subject: str
    """Object of the action: an id or an account's name."""

    detail: Mapping[str, Any]
    """Details, JSON."""


def add_entry(
    session: Session,
    account_id: str | None,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry in the session's transaction."""
    session.flush()
    # bypasses the unit of work, since every action writes an entry
    session.connection().execute(
        _TABLE.insert(),
        {
            "at": now(),
            "account_id": account_id,
            "action": action,
            "subject": subject[:200],
            "detail": dict(detail or {}),
        },
    )


def list_entries(session: Session, *, limit: int = 100) -> list[AuditRecord]:
    """Newest entries, newest first."""
    rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit))
    return [as_record(AuditRecord, row) for row in rows]


def list_entries_after(session: Session, number: int, *, limit: int = 1_000) -> list[AuditRecord]:
    """Entries with a larger id than `number`, oldest first."""
    rows = select(AuditEntry).where(AuditEntry.id > number).order_by(AuditEntry.id).limit(limit)
    return [as_record(AuditRecord, row) for row in session.scalars(rows)]


def newest_entry_id(session: Session) -> int:
    """Id of the newest entry; 0 if there is none."""
    return session.scalar(select(func.max(AuditEntry.id))) or 0
