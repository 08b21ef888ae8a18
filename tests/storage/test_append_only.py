"""What may only grow cannot be changed, removed or replaced by any statement."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from storage.audit import add_entry
from storage.database import Database
from storage.errors import StorageError
from storage.exports.store import DatasetVersion, add_exported_completions
from storage.feedback.store import FeedbackRecord, add_feedback, list_feedback_history
from storage.questions.records import NewDeletionCheck
from storage.questions.store import (
    add_deletion_check,
    list_completions,
    set_attention,
    set_evidence,
)
from tests.storage.reading_rows import PIXELS, rater, stored_pair, verdict

CHECK = NewDeletionCheck(
    "all", 0.9, 0.4, 0.5, [0.8, 0.7], "used", "It used the picture.", "blur", 2, {"n": 30}
)


@pytest.fixture
def said(database: Database) -> FeedbackRecord:
    """One verdict, and a row in every table that may only grow."""
    return say(database)


def say(database: Database) -> FeedbackRecord:
    """Store them."""
    with database.session() as session:
        first, _ = stored_pair(session)
        add_deletion_check(session, first.id, "local", CHECK)
        add_entry(session, "local", "judge", first.id)
        version = DatasetVersion("d" * 64, "sft", None)
        add_exported_completions(session, version, [first.id])
        return add_feedback(session, rater(session), verdict(first.id))


COPY = "SELECT * FROM {table} LIMIT 1"
OF_BOTH = ["DELETE FROM {table}", "UPDATE {table} SET id = id"]
OF_SQLITE = [
    "INSERT OR REPLACE INTO {table} " + COPY,  # asks no trigger for DELETE
    "REPLACE INTO {table} " + COPY,
    "UPDATE OR REPLACE {table} SET id = id",
]
TABLES = ("feedback", "completions", "deletion_checks", "audit_entries", "exported_completions")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", OF_BOTH)
def test_the_database_refuses(
    database: Database, said: FeedbackRecord, table: str, statement: str
) -> None:
    with pytest.raises(StorageError, match="rules"), database.session() as session:
        session.execute(text(statement.format(table=table)))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", OF_SQLITE)
def test_sqlite_refuses_to_replace(sqlite_database: Database, table: str, statement: str) -> None:
    first = say(sqlite_database)
    with pytest.raises(StorageError, match="rules"), sqlite_database.session() as session:
        session.execute(text(statement.format(table=table)))
    with sqlite_database.read_only() as session:
        assert list_feedback_history(session, [first.completion_id]) == [first]


@pytest.mark.parametrize("table", TABLES)
def test_postgresql_refuses_to_empty_a_table(postgres_database: Database, table: str) -> None:
    say(postgres_database)
    with pytest.raises(StorageError, match="rules"), postgres_database.session() as session:
        session.execute(text(f"TRUNCATE {table} CASCADE"))


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
def test_no_other_row_takes_the_place(sqlite_database: Database, statement: str) -> None:
    first = say(sqlite_database)
    with pytest.raises(StorageError, match="rules"), sqlite_database.session() as session:
        # so that no foreign key is in the way
        session.execute(text("DELETE FROM current_feedback"))
        session.execute(text(statement))
    with sqlite_database.read_only() as session:
        assert list_feedback_history(session, [first.completion_id]) == [first]


def test_only_where_its_attention_and_evidence_are_may_change_of_a_completion(
    database: Database, said: FeedbackRecord
) -> None:
    with database.session() as session:
        set_attention(session, said.completion_id, PIXELS)
        set_evidence(session, said.completion_id, PIXELS)
    for change in ("text = 'else'", "token_logprobs = '[]'"):
        with pytest.raises(StorageError), database.session() as session:
            session.execute(text(f"UPDATE completions SET {change}"))  # noqa: S608
    with database.read_only() as session:
        found = session.execute(text("SELECT question_id FROM completions")).scalars().first()
        kept = list_completions(session, [str(found)])
    files = {(completion.attention_sha256, completion.evidence_sha256) for completion in kept}
    assert (PIXELS, PIXELS) in files
