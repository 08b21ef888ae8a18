"""Writers of one group share a commit and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from storage.audit import add_entry, list_entries
from storage.database import Database, open_database
from storage.errors import RecordNotFoundError, StorageError
from storage.group_commit import GroupWriter


@pytest.fixture
def writer(database: Database) -> GroupWriter:
    """Of the test's own database."""
    return GroupWriter(database)


def entry(name: str) -> Callable[[Session], str]:
    """A work that writes one entry and tells its name."""

    def work(session: Session) -> str:
        add_entry(session, None, "login", name)
        return name

    return work


def entries(database: Database) -> set[str]:
    """Subjects of all entries that are stored."""
    with database.read_only() as session:
        return {found.subject for found in list_entries(session, limit=10_000)}


def together(writer: GroupWriter, works: list[Callable[[Session], Any]]) -> list[Any]:
    """What works become that wait for the same first one, and share a commit: results or errors."""
    going, free = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        going.set()
        assert free.wait(10)

    def outcome(work: Callable[[Session], Any]) -> Any:
        try:
            return writer.write(work)
        except StorageError as error:
            return error

    with ThreadPoolExecutor(len(works) + 1) as pool:
        first = pool.submit(outcome, hold)
        assert going.wait(10)
        others = [pool.submit(outcome, work) for work in works]
        while writer._jobs.qsize() < len(works):
            time.sleep(0.001)
        free.set()
        first.result(10)
        return [other.result(10) for other in others]


def test_a_lone_writer_is_answered_when_it_is_stored(
    database: Database, writer: GroupWriter
) -> None:
    for name in ("a", "b"):
        assert writer.write(entry(name)) == name
        assert name in entries(database)


def test_those_that_wait_share_one_commit(database: Database, writer: GroupWriter) -> None:
    names = [f"n{number}" for number in range(20)]
    commits: list[Any] = []
    event.listen(database._engine, "commit", commits.append)
    assert together(writer, [entry(name) for name in names]) == names
    assert len(commits) == 2  # that of the first one, and theirs
    assert entries(database) == set(names)


def test_an_error_undoes_its_own_work_alone(database: Database, writer: GroupWriter) -> None:
    def wrong(session: Session) -> None:
        add_entry(session, None, "login", "wrong")
        raise RecordNotFoundError("not there")

    def against_a_rule(session: Session) -> None:
        add_entry(session, None, "login", "refused")
        session.execute(text("INSERT INTO accounts (id) VALUES ('x')"))

    first, second, third, fourth = together(writer, [entry("a"), wrong, against_a_rule, entry("b")])
    assert (first, fourth) == ("a", "b")
    assert isinstance(second, RecordNotFoundError)
    assert "rules" in str(third)
    assert entries(database) == {"a", "b"}
    assert writer.write(entry("c")) == "c"


def test_many_writers_lose_nothing(database: Database, writer: GroupWriter) -> None:
    def write(number: int) -> str:
        return writer.write(entry(f"n{number}"))

    with ThreadPoolExecutor(30) as pool:
        acknowledged = list(pool.map(write, range(300)))
    assert entries(database) == set(acknowledged)


def test_the_thread_ends_when_nothing_comes_and_begins_again(sqlite_database: Database) -> None:
    writer = GroupWriter(sqlite_database, idle_seconds=0.01)
    for name in ("a", "b"):
        assert writer.write(entry(name)) == name
        until = time.monotonic() + 10
        while writer._thread is not None and time.monotonic() < until:
            time.sleep(0.005)
        assert writer._thread is None
    with ThreadPoolExecutor(8) as pool:  # at the very moment of its end, too
        for number in range(200):
            assert pool.submit(writer.write, entry(f"n{number}")).result(10)
            time.sleep(0.0095 if number % 10 == 0 else 0)
    assert len(entries(sqlite_database)) == 202


def test_a_full_disk_fails_the_whole_group_in_a_sentence(sqlite_database: Database) -> None:
    def fill(session: Session) -> None:
        pages = session.execute(text("PRAGMA page_count")).scalar()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        for _ in range(10_000):
            add_entry(session, None, "login", "full" * 40)

    outcomes = together(GroupWriter(sqlite_database), [entry("a"), fill])
    for outcome in outcomes:
        assert isinstance(outcome, StorageError)
        assert "disk of the database is full" in str(outcome)
    assert entries(sqlite_database) == set()


def test_a_lost_connection_fails_the_whole_group_and_the_next_one_is_fine(
    postgres_database: Database,
) -> None:
    def cut(session: Session) -> None:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    writer = GroupWriter(postgres_database)
    first, second = together(writer, [entry("a"), cut])
    for outcome in (first, second):
        assert isinstance(outcome, StorageError)
        assert "Nothing was saved" in str(outcome)
    assert writer.write(entry("b")) == "b"
    assert entries(postgres_database) == {"b"}


def test_a_locked_database_is_told_to_all_that_wait_at_once(
    sqlite_url: str, sqlite_database: Database
) -> None:
    hasty = open_database(sqlite_url, busy_ms=300)
    writer = GroupWriter(hasty)
    with sqlite_database.session() as session:
        add_entry(session, None, "login", "holder")
        with ThreadPoolExecutor(10) as pool:
            tries = [pool.submit(writer.write, entry(f"n{number}")) for number in range(10)]
            for one in tries:
                with pytest.raises(StorageError, match="busy with other work"):
                    one.result(3)
    assert writer.write(entry("after")) == "after"
    hasty.close()
    assert entries(sqlite_database) == {"holder", "after"}
