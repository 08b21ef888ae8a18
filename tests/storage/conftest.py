"""A database of its own for every test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from storage.database import Database, open_database
from storage.tables import Base
from tests.databases import lay_database
from tests.postgres import Postgres

BOTH = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def migrated_url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database, emptied for every test."""
    with postgres.database(postgres_template) as url:
        yield url


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A file that is not there yet, nor is its folder."""
    return f"sqlite:///{tmp_path / 'new' / 'pathviewer.sqlite3'}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A migrated file."""
    url = f"sqlite:///{tmp_path / 'state' / 'pathviewer.sqlite3'}"
    lay_database(url)
    return url


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """For what is SQLite's alone."""
    opened = open_database(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def postgres_url(migrated_url: str) -> str:
    """A migrated database on the server."""
    empty(migrated_url)
    return migrated_url


def empty(url: str) -> None:
    """Remove every row of a PostgreSQL database but the built-in account."""
    tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
    engine = create_engine(url)
    with engine.begin() as connection:
        # a test that failed may have left a transaction open
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        statements = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables]
        for table in tables:
            kept = " WHERE id <> 'local'" if table == "accounts" else ""
            statements.append(f"DELETE FROM {table}{kept}")  # noqa: S608
        statements += [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables]
        connection.exec_driver_sql("; ".join(statements))  # in one go: it is done for each test
    engine.dispose()


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[Database]:
    """For what is PostgreSQL's alone."""
    opened = open_database(postgres_url)
    yield opened
    opened.close()


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database; each test that asks for it runs on both."""
    if request.param == "sqlite":
        yield request.getfixturevalue("empty_sqlite_url")
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as address:
        yield address


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> str:
    """A migrated database; each test that asks for it runs on both."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    address: str = request.getfixturevalue(name)
    return address


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """The same, open."""
    opened = open_database(url)
    yield opened
    opened.close()
