"""A renamed table or column needs a line of the mapping, and gives the same dump."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.golden.database_dump import dump_database
from tests.golden.renames import Renames
from tests.golden.volatile import Volatile

FROZEN = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE readings (
    id INTEGER PRIMARY KEY, state TEXT, account_id INTEGER REFERENCES people (id),
    CONSTRAINT ck_readings_state CHECK (state <> ''));
CREATE INDEX ix_readings_account_id ON readings (account_id);
CREATE TRIGGER readings_no_delete BEFORE DELETE ON readings
BEGIN SELECT RAISE(ABORT, 'readings can only grow'); END;
INSERT INTO people VALUES (1, 'ada');
INSERT INTO readings VALUES (1, 'done', 1), (2, 'running', 1);
"""
RENAMES = Renames(
    tables={"questions": "readings", "accounts": "people"},
    columns={"questions": {"asker_id": "account_id"}, "accounts": {"login": "name"}},
)


def dump(folder: Path, sql: str, renames: Renames) -> dict[str, str]:
    """The dump of a new database."""
    folder.mkdir()
    with sqlite3.connect(folder / "some.sqlite3") as database:
        database.executescript(sql)
    database.close()
    return dump_database(f"sqlite:///{folder / 'some.sqlite3'}", Volatile({}, {}), renames)


def test_a_pure_rename_changes_no_golden_file(tmp_path: Path) -> None:
    renamed = FROZEN.replace("account_id", "asker_id").replace("readings", "questions")
    renamed = renamed.replace("people", "accounts").replace("name TEXT", "login TEXT")
    before = dump(tmp_path / "before", FROZEN, Renames())
    assert dump(tmp_path / "after", renamed, RENAMES) == before
    assert dump(tmp_path / "unmapped", renamed, Renames()) != before
