"""A database of version 0.1.0 is refused with a sentence, and stays as it is."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from storage.database import open_database
from storage.errors import StorageError
from tests.postgres import Postgres

SENTENCE = (
    r"^The database is of version 0\.1\.0 \(schema revision {revision}\), which this version "
    r"cannot upgrade\. Nothing in it was changed\. Start with an empty state folder .* or go on "
    r"with 0\.1\.0 and export there\.$"
)


def old_statements(revision: str) -> list[str]:
    """What is needed of the schema of 0.1.0 to know it by."""
    return [
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        f"INSERT INTO alembic_version VALUES ('{revision}')",  # noqa: S608
        "CREATE TABLE slides (id VARCHAR(36) PRIMARY KEY, mpp_by_hand FLOAT)",
        "INSERT INTO slides VALUES ('s1', 0.25)",
    ]


def write_old_file(path: Path, journal: str, revision: str) -> None:
    """A SQLite file of 0.1.0, closed, or as a program that was killed leaves it ("killed")."""
    with closing(sqlite3.connect(path)) as connection:
        mode = "WAL" if journal == "killed" else journal
        connection.execute(f"PRAGMA journal_mode = {mode}")
        for statement in old_statements(revision):
            connection.execute(statement)
        connection.commit()
        if journal == "killed":
            for file in path.parent.glob(f"{path.name}*"):
                shutil.copyfile(file, file.with_name(f"copy-{file.name}"))
    for file in path.parent.glob("copy-*"):
        file.replace(file.with_name(file.name.removeprefix("copy-")))


@pytest.mark.parametrize(
    ("journal", "revision"),
    [
        ("WAL", "0017"),
        ("DELETE", "0017"),  # as in a backup; opening it turns it to WAL
        ("killed", "0017"),  # the rows are in the log; closing it brings them into the file
        ("WAL", "0001"),
    ],
)
def test_a_file_is_refused_and_stays_as_it_is(tmp_path: Path, journal: str, revision: str) -> None:
    path, log = tmp_path / "pathviewer.sqlite3", tmp_path / "pathviewer.sqlite3-wal"
    write_old_file(path, journal, revision)
    before = path.read_bytes(), log.read_bytes() if log.exists() else b""
    with pytest.raises(StorageError, match=SENTENCE.format(revision=revision)) as caught:
        open_database(f"sqlite:///{path}")
    assert str(tmp_path) not in str(caught.value)
    assert (path.read_bytes(), log.read_bytes() if log.exists() else b"") == before
    assert (journal == "killed") == bool(before[1])


def test_a_database_on_postgresql_is_refused_and_stays_as_it_is(postgres: Postgres) -> None:
    with postgres.database() as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            for statement in old_statements("0017"):
                connection.execute(text(statement))
        with pytest.raises(StorageError, match=SENTENCE.format(revision="0017")) as caught:
            open_database(url)
        assert "postgresql" not in str(caught.value)
        assert sorted(inspect(engine).get_table_names()) == ["alembic_version", "slides"]
        engine.dispose()
