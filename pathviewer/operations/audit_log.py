"""The audit log in machine-readable form: one JSON object per entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storage.audit import AuditRecord, list_entries_after
from storage.database import Database

PAGE_SIZE = 1_000


def audit_lines(database: Database, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield all entries after that id, oldest first."""
    while True:
        with database.read_only() as session:
            entries = list_entries_after(session, after, limit=PAGE_SIZE)
        if not entries:
            return
        yield from map(entry_json, entries)
        after = entries[-1].id


def entry_json(entry: AuditRecord) -> dict[str, Any]:
    """Return an entry as JSON values."""
    return {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "account": entry.account_id,
        "action": entry.action,
        "subject": entry.subject,
        "detail": dict(entry.detail),
    }
