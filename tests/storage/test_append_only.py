"""What may only grow cannot be changed, removed or replaced by any statement."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from storage.audit import list_entries, record
from storage.database import Database
from storage.errors import StorageError
from storage.feedback import FeedbackRecord, add_feedback, history
from storage.reading_records import NewDeletionCheck
from storage.readings import add_deletion_check, list_completions, set_attention
from tests.storage.reading_rows import PIXELS, rater, stored_pair, verdict

CHECK = NewDeletionCheck("all", -0.1, -0.9, -0.8, [-0.2, -0.3], "used", "It used the picture.")


@pytest.fixture
def said(database: Database) -> FeedbackRecord:
    """One verdict."""
    with database.session() as session:
        first, _ = stored_pair(session)
        add_deletion_check(session, first.id, "local", CHECK)
        record(session, "local", "judge", first.id)
        return add_feedback(session, rater(session), verdict(first.id))


COPY = "SELECT * FROM {table} LIMIT 1"

STATEMENTS = [
    "DELETE FROM {table}",
    "UPDATE {table} SET id = id",
    "INSERT OR REPLACE INTO {table} " + COPY,  # asks no trigger for DELETE
    "REPLACE INTO {table} " + COPY,
    "INSERT INTO {table} " + COPY + " ON CONFLICT DO UPDATE SET id = id",
]


@pytest.mark.parametrize("table", ["feedback", "completions", "deletion_checks", "audit_entries"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_refuses(
    database: Database, said: FeedbackRecord, table: str, statement: str
) -> None:
    with pytest.raises(StorageError), database.session() as session:
        session.execute(text(statement.format(table=table)))


@pytest.mark.parametrize(
    "statement",
    [
        # another id, the same key: the first row would go
        "INSERT OR REPLACE INTO feedback (id, rater_id, completion_id, kind, idempotency_key, "
        "created_at, verdict) SELECT 'new', rater_id, completion_id, kind, idempotency_key, "
        "created_at, 'incorrect' FROM feedback",
        # another id and key in the first one's place
        "INSERT OR REPLACE INTO feedback (rowid, id, rater_id, completion_id, kind, "
        "idempotency_key, created_at, verdict) SELECT rowid, 'new', rater_id, completion_id, "
        "kind, 'other', created_at, 'incorrect' FROM feedback",
    ],
)
def test_no_other_row_takes_the_place(
    database: Database, said: FeedbackRecord, statement: str
) -> None:
    with pytest.raises(StorageError), database.session() as session:
        session.execute(text("PRAGMA recursive_triggers = OFF"))
        session.execute(text(statement))
    with database.reading() as session:
        assert history(session, [said.completion_id]) == [said]


def test_an_audit_entry_cannot_be_replaced(database: Database) -> None:
    with database.session() as session:
        record(session, "local", "login", "local")
    replacing = (
        "INSERT OR REPLACE INTO audit_entries (id, at, action, subject, detail) "
        "SELECT id, at, 'none', subject, detail FROM audit_entries"
    )
    with pytest.raises(StorageError), database.session() as session:
        session.execute(text(replacing))
    with database.reading() as session:
        assert [entry.action for entry in list_entries(session)] == ["login"]


def test_only_where_its_attention_is_kept_may_change_of_a_completion(
    database: Database, said: FeedbackRecord
) -> None:
    with database.session() as session:
        set_attention(session, said.completion_id, PIXELS)
    with pytest.raises(StorageError), database.session() as session:
        session.execute(text("UPDATE completions SET text = 'else'"))
    with database.reading() as session:
        found = session.execute(text("SELECT reading_id FROM completions")).scalars().first()
        kept = list_completions(session, [str(found)])
    assert PIXELS in {completion.attention_sha256 for completion in kept}
