"""Opening, migrating and using the database."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from sqlalchemy.util import LRUCache

from storage import user_messages
from storage.database_file import (
    DatabaseFile,
    recorded_revision,
    sqlite_path,
    without_creation,
)
from storage.errors import StorageError, explain_error
from storage.migrate import check_release, current_revision, upgrade
from storage.private_files import make_private_folder, open_private

FILTERED_STATEMENTS = 32
"""Compiled statements that `Database.read_filtered` caches: those of two sets of filters."""


class Database:
    """A database at the newest schema revision; safe to share between threads."""

    def __init__(
        self, engine: Engine, read_engine: Engine, file: DatabaseFile | None = None
    ) -> None:
        """Create from engines for writing and reading.

        With separate engines, writers that wait for a lock use up no reading connections. `file` is
        the SQLite file to monitor; None if there is none.
        """
        self._engine = engine
        self._read_engine = read_engine
        cache: LRUCache[Any, Any] = LRUCache(FILTERED_STATEMENTS, threshold=0)
        self._filtered_engine = read_engine.execution_options(compiled_cache=cache)
        self._file = file
        self.note_write: Callable[[float, bool], None] = lambda _seconds, _saved: None
        """Called after each writing transaction with its duration in seconds and whether it was
        committed.
        """

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a writing transaction: commit at the end, roll back on an error.

        Raises `StorageError` if the database is locked, read-only, full or unreachable, or if its
        file was removed or replaced. SQLite takes its write lock at the first statement, so reading
        before writing cannot fail with a conflict.
        """
        began, saved = time.perf_counter(), False
        try:
            self._check_file()
            with self._transaction(self._engine) as session:
                yield session
            # a removed file accepts the commit and loses it, so report that
            self._check_file()
            saved = True
        finally:
            self.note_write(time.perf_counter() - began, saved)

    def _check_file(self) -> None:
        if self._file is not None:
            self._file.check()

    @contextmanager
    def read_only(self) -> Iterator[Session]:
        """Open a read-only transaction; it neither waits for others nor blocks them."""
        with self._transaction(self._read_engine) as session:
            yield session

    @contextmanager
    def read_filtered(self) -> Iterator[Session]:
        """Like `read_only`, for large statements with a different text for each set of filters.

        Compiled, such a statement takes up to 2 MiB. SQLAlchemy would cache 750 of any size; few
        of these are cached, apart from all others.
        """
        with self._transaction(self._filtered_engine) as session:
            yield session

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (DBAPIError, PoolTimeoutError) as error:
            raise StorageError(explain_error(error)) from error

    def revision(self) -> str:
        """Current schema revision."""
        with self.read_only() as session:
            return current_revision(session.connection()) or ""

    def checkpoint(self) -> bool:
        """Write SQLite's log into the file and empty it; False if a reader prevented it.

        Otherwise the log may still contain overwritten data.
        """
        if self._engine.dialect.name != "sqlite":
            return True
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy, *_ = cursor.fetchone() or (1,)
        finally:
            connection.close()
        return not busy

    def close(self) -> None:
        """Close all connections; the object cannot be used afterwards."""
        self._engine.dispose()
        self._read_engine.dispose()


@dataclass(frozen=True)
class PoolSizes:
    """Maximum numbers of open connections; PostgreSQL must allow their sum."""

    readers: int = 20
    """Read-only connections."""
    writers: int = 10
    """Writing connections."""


def open_database(
    url: str, *, busy_ms: int = 5000, connections: PoolSizes | None = None
) -> Database:
    """Open, and if needed create and migrate, the database at a SQLAlchemy URL.

    SQLite and PostgreSQL are supported.

    `busy_ms` is the longest wait for another writer or a connection, in milliseconds. Raises
    `StorageError` if it cannot be opened, or was written by a newer version or by 0.1.0.
    """
    parsed, limits = _parse(url), connections or PoolSizes()
    address = parsed.render_as_string(hide_password=True)
    try:
        file = None
        if parsed.get_backend_name() == "sqlite":
            file = _create_file(parsed)
        engine = _engine(parsed, busy_ms, limits.writers, file)
        with engine.begin() as connection:
            upgrade(connection)
    except DBAPIError as error:
        raise StorageError(user_messages.database_failed(explain_error(error), address)) from error
    except OSError as error:
        raise StorageError(user_messages.database_not_created(address, error.strerror)) from error
    read_engine = _engine(parsed, busy_ms, limits.readers, file, read_only=True)
    return Database(engine, read_engine, file)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise StorageError(user_messages.NOT_DATABASE_URL) from error
    return parsed


def _create_file(url: URL) -> DatabaseFile | None:
    """Create the file, readable only by its owner; SQLite gives its side files the same mode.

    Returns None for an in-memory database. Raises `StorageError` for a file of version 0.1.0.
    """
    path = sqlite_path(url)
    if path is None:
        return None
    make_private_folder(path.parent)
    if not path.exists():
        open_private(path, "ab").close()
    revision = recorded_revision(path)
    if revision is not None:
        check_release(revision)  # before a connection switches the file to WAL
    return DatabaseFile(path)


def _engine(
    url: URL, busy_ms: int, connections: int, file: DatabaseFile | None, *, read_only: bool = False
) -> Engine:
    pool = {"pool_size": connections, "max_overflow": 0, "pool_timeout": busy_ms / 1000}
    # the last one returned first, so that those that a peak of requests opened stay idle
    pool["pool_use_lifo"] = True
    if url.get_backend_name() != "sqlite":
        options = _postgresql_options(url, busy_ms)
        engine = create_engine(url, pool_pre_ping=True, connect_args=options, **pool)
        return engine.execution_options(postgresql_readonly=True) if read_only else engine
    path = sqlite_path(url)
    existing = url if path is None else without_creation(url, path)
    engine = create_engine(existing, **pool)
    event.listen(engine, "connect", partial(_set_pragmas, busy_ms, file, read_only))
    event.listen(engine, "begin", _begin_read if read_only else _begin_write)
    return engine


def _postgresql_options(url: URL, busy_ms: int) -> dict[str, Any]:
    """Use SQLite's lock timeout; options in the URL take precedence."""
    options: dict[str, Any] = {
        "options": f"-c lock_timeout={busy_ms}",
        "connect_timeout": max(2, round(busy_ms / 1000)),  # libpq's minimum
    }
    return {name: value for name, value in options.items() if name not in url.query}


def _set_pragmas(
    busy_ms: int,
    file: DatabaseFile | None,
    read_only: bool,
    connection: sqlite3.Connection,
    _record: Any,
) -> None:
    if file is not None:
        file.check()  # refuse an empty file that replaced the opened one
    # The driver's own transactions start too late (at the first write); `_begin_*` start ours.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {busy_ms}")
    _write_ahead(connection, busy_ms)
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    if read_only:
        connection.execute("PRAGMA query_only = ON")


def _write_ahead(connection: sqlite3.Connection, busy_ms: int) -> None:
    """Switch to WAL; SQLite does not wait when two connections to a new file do so at once."""
    until = time.monotonic() + busy_ms / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_write(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_read(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def serialise(session: Session, number: int) -> None:
    """Block other transactions with the same number until this one ends.

    Use it for reads followed by writes; on SQLite, writing transactions are exclusive anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": number})
