"""Databases of every earlier revision are brought up to date with what is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, select, text
from sqlalchemy.engine import make_url

from storage.accounts.store import find_account
from storage.audit import list_entries
from storage.database import Database, open_database
from storage.errors import StorageError
from storage.feedback.store import add_feedback
from storage.migrate import upgrade
from storage.migrations import versions
from storage.questions.store import find_completion, find_question
from storage.slides.regions import list_regions
from storage.slides.scales import list_current_scales
from storage.slides.store import list_slide_records
from tests.storage.reading_rows import stored_pair, verdict

AT = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)

ROWS_0001: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        {"id": "a1", "name": "ada", "role": "clinician", "disabled": False, "created_at": AT}
    ],
    "tokens": [
        {"id": "t1", "token_hash": "h" * 64, "account_id": "a1", "label": "x", "created_at": AT}
    ],
    "sessions": [{"token_hash": "s" * 64, "account_id": "a1", "created_at": AT, "expires_at": AT}],
    "slides": [
        {
            "id": "s1",
            "folder": "f",
            "relative_path": "a.svs",
            "quickhash": "q",
            "alias": "Lung",
            "mpp_by_hand": 0.25,
            "mpp_by_hand_account_id": "a1",
            "first_seen_at": AT,
        }
    ],
    "regions": [
        {
            "id": "r1",
            "slide_id": "s1",
            "account_id": "a1",
            "name": "gland",
            "shape": "polygon",
            "points": [[1, 2.5], [3, 4], [5, 0]],
            "x": 1,
            "y": 0,
            "width": 4,
            "height": 4,
            "created_at": AT,
            "updated_at": AT,
        }
    ],
    "audit_entries": [
        {"at": AT, "account_id": "a1", "action": "login", "subject": "ada", "detail": {"a": 1}}
    ],
}
ROWS_0002: dict[str, list[dict[str, Any]]] = {
    "blobs": [
        {
            "sha256": "a" * 64,
            "kind": "pixels",
            "media_type": "image/png",
            "byte_count": 5,
            "created_at": AT,
        }
    ],
    "questions": [
        {
            "id": "g1",
            "account_id": "a1",
            "slide_id": "s1",
            "x": 1,
            "y": 2,
            "width": 3,
            "height": 4,
            "paint_outside": False,
            "question": "What?",
            "options": ["benign"],
            "context": {"organ": "lung"},
            "outside_known_types": True,
            "prompt": "What?",
            "pixels_sha256": "a" * 64,
            "model": "m",
            "sampling": {"seed": 1},
            "count": 1,
            "min_pixels": 1,
            "max_pixels": 2,
            "blind": False,
            "state": "done",
            "created_at": AT,
            "ended_at": AT,
        }
    ],
    "completions": [
        {
            "id": "c1",
            "question_id": "g1",
            "index": 0,
            "text": "<think>x</think>",
            "token_ids": [1],
            "token_ends": [16],
            "finish": "stop",
            "well_formed": False,
            "seconds": 1.5,
            "first_token_seconds": 0.5,
            "created_at": AT,
        }
    ],
}

ROWS_0003: dict[str, list[dict[str, Any]]] = {
    "feedback": [
        {
            "id": "f1",
            "rater_id": "a1",
            "completion_id": "c1",
            "kind": "verdict",
            "idempotency_key": "k0",
            "created_at": AT,
            "verdict": "unsure",
        }
    ],
    "current_feedback": [
        {"rater_id": "a1", "completion_id": "c1", "kind": "verdict"}
        | {"other": "", "feedback_id": "f1"}
    ],
}

ROWS_0004: dict[str, list[dict[str, Any]]] = {
    "cases": [{"id": "k1", "name": "S24-1", "created_at": AT}],
    "withdrawals": [
        {
            "id": "w1",
            "at": AT,
            "kind": "rater",
            "subject_id": "a9",
            "account_id": "a1",
            "detail": {"feedback": 2},
        }
    ],
}

ROWS_0005: dict[str, list[dict[str, Any]]] = {
    "judge_labels": [
        {"id": "j1", "completion_id": "c1", "judge": "m", "events": [], "created_at": AT}
    ],
}

ROWS_0006: dict[str, list[dict[str, Any]]] = {
    "worklists": [
        {
            "id": "w1",
            "name": "list",
            "blind": True,
            "teaching": False,
            "overlap": 1.0,
            "repeats": 0.1,
            "account_id": "a1",
            "created_at": AT,
        }
    ],
}

ROWS_0007: dict[str, list[dict[str, Any]]] = {
    "consents": [{"id": "n1", "account_id": "a1", "licence": "CC0-1.0", "agreed_at": AT}],
}

ROWS_0008: dict[str, list[dict[str, Any]]] = {
    "comparisons": [
        {
            "id": "p1",
            "rater_id": "a1",
            "question_id": "g1",
            "round": 0,
            "flipped": True,
            "started_at": AT,
            "skipped": False,
        }
    ],
}

NEW_ROWS = {
    "0001": ROWS_0001,
    "0002": ROWS_0002,
    "0003": ROWS_0003,
    "0004": ROWS_0004,
    "0005": ROWS_0005,
    "0006": ROWS_0006,
    "0007": ROWS_0007,
    "0008": ROWS_0008,
    "0010": {},
    "0012": {},
    "0013": {},
    "0014": {},
    "0015": {
        "scale_entries": [
            {"slide_id": "s1", "account_id": "a1", "mpp_x": 0.25, "mpp_y": 0.25, "entered_at": None}
        ]
    },
    "0016": {},
}
"""Rows of the tables that came with each revision."""

ROWS = {
    revision: {
        name: rows
        for each, tables in NEW_ROWS.items()
        if each <= revision
        for name, rows in tables.items()
    }
    for revision in NEW_ROWS
}
"""What a database of an earlier revision holds."""


def at_revision(url: str, revision: str) -> Engine:
    """A database of that revision with its rows."""
    folder = make_url(url).database if url.startswith("sqlite") else None
    if folder:
        Path(folder).parent.mkdir()
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, revision)
    tables = reflected(engine).tables
    with engine.begin() as connection:
        for name, rows in ROWS[revision].items():
            connection.execute(tables[name].insert(), rows)
    return engine


def reflected(engine: Engine) -> MetaData:
    """The tables as the database has them."""
    metadata = MetaData()
    metadata.reflect(engine)
    return metadata


def contents(engine: Engine, columns: dict[str, list[str]]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of these tables, in these columns."""
    tables = reflected(engine).tables
    with engine.connect() as connection:
        return {
            name: [
                tuple(row)
                for row in connection.execute(select(*(tables[name].c[key] for key in keys)))
            ]
            for name, keys in columns.items()
        }


@pytest.mark.parametrize("revision", sorted(ROWS))
def test_an_earlier_database_keeps_what_it_has(empty_url: str, revision: str) -> None:
    engine = at_revision(empty_url, revision)
    tables = reflected(engine).tables
    columns = {name: list(tables[name].c.keys()) for name in ROWS[revision]}
    before = contents(engine, columns)
    assert all(before.values())
    database = open_database(empty_url)
    assert contents(engine, columns) == before
    with database.session() as session:
        assert find_account(session, "ada") is not None
        (slide,) = list_slide_records(session)
        assert (slide.alias, slide.first_seen_at) == ("Lung", AT)
        entered = list_current_scales(session)["s1"]
        assert (entered.mpp_x, entered.mpp_y, entered.account_name) == (0.25, 0.25, "ada")
        assert entered.entered_at is None  # the audit log of these rows does not say
        (region,) = list_regions(session, "s1", "a1")
        assert region.points == ((1, 2.5), (3, 4), (5, 0))
        assert [entry.detail for entry in list_entries(session)] == [{"a": 1}]
        if revision >= "0002":
            assert find_question(session, "g1").context == {"organ": "lung"}
            assert find_completion(session, "c1").token_ends == [16]
            add_feedback(session, "a1", verdict("c1"))
        first, _ = stored_pair(session)
        add_feedback(session, "a1", verdict(first.id, "k2"))
    database.close()
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    engine.dispose()


def test_an_entered_scale_has_the_moment_that_the_audit_log_gives(empty_url: str) -> None:
    engine = at_revision(empty_url, "0014")
    told = [{"mpp": 0.5}, {"mpp": 0.25}, {"alias": "Lung"}, {"mpp": None}]
    entries = [
        {"at": AT + timedelta(days=day), "account_id": "a1", "action": "describe_slide"}
        | {"subject": "s1", "detail": detail}
        for day, detail in enumerate(told)
    ]
    audit = reflected(engine).tables["audit_entries"]
    with engine.begin() as connection:
        connection.execute(audit.insert(), entries)
    engine.dispose()
    database = open_database(empty_url)
    with database.read_only() as session:
        assert list_current_scales(session)["s1"].entered_at == AT + timedelta(days=1)
    database.close()


def test_a_rule_that_is_not_there_is_not_taken_for_changed(tmp_path: Path) -> None:
    engine = at_revision(f"sqlite:///{tmp_path}/x/x.sqlite3", "0007")
    other = "UPDATE sqlite_schema SET sql = replace(sql, 'choice IN (', 'choice IN  (')"
    with engine.connect() as connection:
        for statement in ("PRAGMA writable_schema = ON", other):
            connection.exec_driver_sql(statement)
        connection.commit()
    engine.dispose()
    with engine.connect() as connection, pytest.raises(StorageError, match="rule for choices"):
        upgrade(connection)
    engine.dispose()


def test_every_earlier_revision_is_tried(sqlite_database: Database) -> None:
    scripts = sorted(Path(versions.__path__[0]).glob("[0-9]*.py"))
    revisions = [path.name[:4] for path in scripts]
    assert revisions[-1] == sqlite_database.revision()
    assert sorted(ROWS) == revisions[:-1]
