"""Who looks at a slide stands in the audit log: once an hour, and before any pixel."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pathviewer.auth.identity import LOCAL, VISITOR
from pathviewer.auth.slide_access_log import SlideAccessLog
from storage.audit import list_entries
from storage.database import Database, open_database
from storage.errors import StorageError


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path / 'state.sqlite3'}", busy_ms=50)
    yield database
    database.close()


def entries(database: Database) -> list[tuple[str | None, str, str]]:
    with database.read_only() as session:
        return [(one.account_id, one.action, one.subject) for one in list_entries(session)]


def test_it_is_entered_once_until_it_is_forgotten(database: Database) -> None:
    openings = SlideAccessLog(database, public_demo=False)
    entry = ("local", "view_slide", "a")
    for _ in range(3):
        asyncio.run(openings.log_view(LOCAL, "a"))
    assert entries(database) == [entry]
    openings.work()  # an hour later
    assert not openings.is_logged(LOCAL, "a")
    asyncio.run(openings.log_view(LOCAL, "a"))
    openings.log_opening(LOCAL, "a")  # it is opened once more
    assert entries(database) == [entry] * 3


def test_several_slides_are_entered_at_once(database: Database) -> None:
    openings = SlideAccessLog(database, public_demo=False)
    asyncio.run(openings.log_view(LOCAL, "b"))
    asyncio.run(openings.log_view(LOCAL, "c", "b", "a", "c"))
    assert entries(database) == [("local", "view_slide", slide) for slide in "acb"]
    asyncio.run(openings.log_view(LOCAL))
    assert len(entries(database)) == 3


def test_what_cannot_be_entered_is_not_taken_for_entered(
    database: Database, tmp_path: Path
) -> None:
    openings = SlideAccessLog(database, public_demo=False)
    with closing(sqlite3.connect(tmp_path / "state.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="busy"):
            asyncio.run(openings.log_view(LOCAL, "a"))
    assert not openings.is_logged(LOCAL, "a")


def test_a_public_demo_enters_nobody(database: Database) -> None:
    openings = SlideAccessLog(database, public_demo=True)
    assert openings.is_logged(VISITOR, "a")
    openings.log_opening(VISITOR, "a")
    assert entries(database) == []
