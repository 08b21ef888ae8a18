"""The audit log can only grow."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from storage.audit import add_entry, list_entries
from storage.database import Database
from storage.errors import StorageError


def test_entries_are_read_back_the_newest_first(database: Database) -> None:
    with database.session() as session:
        add_entry(session, "local", "rename_slide", "s1", {"alias": "Case 7"})
        add_entry(session, None, "login_failed", "x" * 500)
        newest, oldest = list_entries(session)
    assert (oldest.action, oldest.subject, oldest.detail) == (
        "rename_slide",
        "s1",
        {"alias": "Case 7"},
    )
    assert (newest.account_id, newest.detail, len(newest.subject)) == (None, {}, 200)
    assert newest.at.tzinfo is not None


@pytest.mark.parametrize(
    "statement", ["DELETE FROM audit_entries", "UPDATE audit_entries SET action = 'none'"]
)
def test_the_database_itself_refuses_to_change_them(database: Database, statement: str) -> None:
    with database.session() as session:
        add_entry(session, "local", "login", "local")
    with pytest.raises(StorageError), database.session() as session:
        session.execute(text(statement))
    with database.read_only() as session:
        assert [entry.action for entry in list_entries(session)] == ["login"]
