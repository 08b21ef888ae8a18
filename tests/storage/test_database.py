"""Opening, migrating, transactions, and the sentences for what can go wrong."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, literal_column, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from storage.database import FILTERED_STATEMENTS, Database, PoolSizes, open_database
from storage.errors import StorageError, explain_error
from storage.migrate import newest_revision
from storage.slides import store
from storage.tables import Base
from tests.postgres import Postgres

NEWEST = newest_revision()


def register(database: Database, name: str) -> None:
    with database.session() as session:
        store.register_slide(session, folder="f", relative_path=name, quickhash=None)


def test_a_new_database_is_at_the_newest_revision_and_opens_again(empty_url: str) -> None:
    for _ in range(2):
        database = open_database(empty_url)
        assert database.revision() == NEWEST
        database.close()


def test_the_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    open_database(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_named_constraints_of_the_migrations_are_those_of_the_code(url: str) -> None:
    names = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL",
        "postgresql": "SELECT 'CONSTRAINT ' || conname || ' ' FROM pg_constraint",
    }
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text(names[engine.dialect.name])).scalars()
        made = " ".join(rows)
    engine.dispose()
    for table in Base.metadata.tables.values():
        for constraint in table.constraints - {table.primary_key}:
            assert f"CONSTRAINT {constraint.name} " in made, constraint


def read_checks(url: str) -> dict[str, dict[str, str]]:
    """Conditions of the check constraints by table and name, as the database has them."""
    engine = create_engine(url)
    found = inspect(engine).get_multi_check_constraints()
    engine.dispose()
    return {
        table: {str(check["name"]): str(check["sqltext"]) for check in checks}
        for (_, table), checks in found.items()
        if table != "alembic_version"
    }


def test_the_migrations_check_what_the_code_checks(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(make_url(empty_url).database or "").parent.mkdir()
    engine = create_engine(empty_url)
    Base.metadata.create_all(engine)
    of_the_code = read_checks(empty_url)
    Base.metadata.drop_all(engine)
    engine.dispose()
    open_database(empty_url).close()
    assert read_checks(empty_url) == of_the_code


def test_sqlite_is_durable_checked_and_private(empty_sqlite_url: str) -> None:
    database = open_database(empty_sqlite_url)
    with database.read_only() as session:
        values = [
            session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    database.close()
    assert values == ["wal", 2, 1, 5000]
    path = Path(empty_sqlite_url.removeprefix("sqlite:///"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_postgresql_waits_as_long_and_brings_commits_to_the_disk(postgres_url: str) -> None:
    database = open_database(postgres_url, busy_ms=1500)
    with database.read_only() as session:
        values = [
            session.execute(text(f"SHOW {name}")).scalar()
            for name in ("lock_timeout", "synchronous_commit")
        ]
    database.close()
    assert values == ["1500ms", "on"]


def test_an_error_rolls_the_whole_transaction_back(database: Database) -> None:
    with pytest.raises(RuntimeError), database.session() as session:
        store.register_slide(session, folder="f", relative_path="a", quickhash=None)
        raise RuntimeError
    with database.read_only() as session:
        assert store.list_slide_records(session) == []


def test_two_programs_may_start_on_an_empty_database_at_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        databases = list(pool.map(open_database, [empty_url] * 4))
    assert {database.revision() for database in databases} == {NEWEST}
    for database in databases:
        database.close()


def test_writers_in_parallel_wait_for_each_other(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: register(database, f"{number}.svs"), range(40)))
    with database.read_only() as session:
        aliases = {record.alias for record in store.list_slide_records(session)}
    assert aliases == {f"Slide {number}" for number in range(1, 41)}


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    read = threading.Event()

    def look() -> None:
        with database.read_only() as session:
            store.list_slide_records(session)
        read.set()

    with database.session() as session:
        store.register_slide(session, folder="f", relative_path="a", quickhash=None)
        thread = threading.Thread(target=look)
        thread.start()
        assert read.wait(2)
    thread.join()


def test_a_locked_database_is_a_plain_sentence(url: str, database: Database) -> None:
    hasty = open_database(url, busy_ms=50)
    with database.session() as session:
        # SQLite has one writer; on PostgreSQL slides are registered one at a time
        store.register_slide(session, folder="f", relative_path="b", quickhash=None)
        with pytest.raises(StorageError, match="busy with other work"):
            register(hasty, "a")
    hasty.close()


def test_more_readers_at_once_than_connections_is_a_plain_sentence(url: str) -> None:
    database = open_database(url, busy_ms=50, connections=PoolSizes(readers=3))
    with ExitStack() as stack:
        for _ in range(3):
            session = stack.enter_context(database.read_only())
            store.list_slide_records(session)
        with pytest.raises(StorageError, match="busy with other work"):
            database.revision()
    database.close()


def test_writers_that_wait_for_a_lock_keep_no_connection_from_readers(url: str) -> None:
    database = open_database(url, busy_ms=20_000, connections=PoolSizes(readers=2, writers=3))
    with ThreadPoolExecutor(12) as pool:
        with database.session() as session:
            store.register_slide(session, folder="f", relative_path="a", quickhash=None)
            names = [f"{number}.svs" for number in range(9)]
            writers = [pool.submit(register, database, name) for name in names]
            readers = [pool.submit(database.revision) for _ in range(20)]
            assert {each.result(10) for each in readers} == {NEWEST}
            assert not any(each.done() for each in writers)
        for each in writers:
            each.result(20)
    database.close()


def test_a_session_that_only_reads_cannot_write(database: Database) -> None:
    with pytest.raises(StorageError, match="may not be written to"):  # noqa: SIM117
        with database.read_only() as session:
            store.register_slide(session, folder="f", relative_path="a", quickhash=None)


def test_a_full_disk_is_a_plain_sentence(sqlite_database: Database) -> None:
    with pytest.raises(StorageError, match="disk of the database is full"):  # noqa: SIM117
        with sqlite_database.session() as session:
            pages = session.execute(text("PRAGMA page_count")).scalar()
            session.execute(text(f"PRAGMA max_page_count = {pages}"))
            for number in range(10_000):
                store.register_slide(
                    session, folder="f" * 500, relative_path=str(number), quickhash=None
                )


def test_a_read_only_database_is_a_plain_sentence(database: Database) -> None:
    statements = {"sqlite": "PRAGMA query_only = ON", "postgresql": "SET TRANSACTION READ ONLY"}
    with pytest.raises(StorageError, match="may not be written to"):  # noqa: SIM117
        with database.session() as session:
            session.execute(text(statements[session.get_bind().dialect.name]))
            store.register_slide(session, folder="f", relative_path="a", quickhash=None)


def test_a_newer_schema_is_refused_with_the_way_out(empty_url: str) -> None:
    open_database(empty_url).close()
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StorageError, match=r"9999.*Install the newer version"):
        open_database(empty_url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and no database at all. " * 50)
    with pytest.raises(StorageError, match="is not a database"):
        open_database(f"sqlite:///{path}")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="PATHVIEWER_DATA"):
        open_database(f"sqlite:///{tmp_path}/file/state/x.sqlite3")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mongodb://host/x",
        "mysql://me@host/x",  # SQLAlchemy knows it, but its driver is not installed
        "oracle://me@host/x",
        "sqlite+aiosqlite:///x.db",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StorageError, match="PATHVIEWER_DATABASE_URL"):
        open_database(url)


def test_the_password_of_a_server_out_of_reach_is_not_shown() -> None:
    with pytest.raises(StorageError) as caught:
        open_database("postgresql+psycopg://me:secret-word@127.0.0.1:1/x")
    assert "secret-word" not in str(caught.value)
    assert "cannot be reached" in str(caught.value)


def test_a_server_that_goes_away_is_a_sentence_and_found_again(
    postgres: Postgres, postgres_url: str, postgres_database: Database
) -> None:
    register(postgres_database, "a")
    name = make_url(postgres_url).database
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
    with pytest.raises(StorageError, match="cannot be reached"):  # noqa: SIM117
        with postgres_database.session() as session:
            store.list_slide_records(session)
            postgres.run(f"{cut} '{name}'")
            store.list_slide_records(session)
    register(postgres_database, "b")


def test_postgresql_takes_the_addresss_own_word_for_its_options(postgres_url: str) -> None:
    database = open_database(f"{postgres_url}&options=-c%20lock_timeout%3D77")
    with database.read_only() as session:
        assert session.execute(text("SHOW lock_timeout")).scalar() == "77ms"
    database.close()


def test_an_unknown_error_has_a_sentence_too() -> None:
    assert "try again" in explain_error(DBAPIError("SELECT 1", None, Exception("odd")))


def test_few_filtered_statements_are_cached_and_none_among_the_others(database: Database) -> None:
    others = database._read_engine._compiled_cache
    assert others is not None
    with database.read_only() as session:
        session.execute(select(literal_column("0")))
    before = set(others)
    for number in range(2 * FILTERED_STATEMENTS):
        with database.read_filtered() as session:
            session.execute(select(literal_column(f"{number}")))
    assert set(others) == before
    cache = database._filtered_engine.get_execution_options()["compiled_cache"]
    assert len(cache) == FILTERED_STATEMENTS


def test_filtered_reads_write_nothing(sqlite_database: Database) -> None:
    with pytest.raises(StorageError), sqlite_database.read_filtered() as session:
        store.register_slide(session, folder="f", relative_path="a", quickhash=None)


def test_after_a_peak_one_connection_serves_all_in_turn(sqlite_database: Database) -> None:
    def connection_of(session: Session) -> object:
        return session.connection().connection.driver_connection

    with ExitStack() as peak:
        sessions = [peak.enter_context(sqlite_database.read_only()) for _ in range(4)]
        assert len({id(connection_of(session)) for session in sessions}) == 4
    in_turn = set()
    for _ in range(4):
        with sqlite_database.read_only() as session:
            in_turn.add(connection_of(session))
    assert len(in_turn) == 1
