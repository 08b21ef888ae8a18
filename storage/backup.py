"""Copies of a SQLite database in use, and checks before a restore."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.engine import make_url

from storage import user_messages
from storage.errors import StorageError
from storage.migrate import check_backup_revision


def find_sqlite_file(url: str) -> Path:
    """Return the database's file; raises StorageError if it is not a SQLite file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise StorageError(user_messages.NOT_SQLITE)
    return Path(parsed.database)


def copy_database(source: Path, target: Path) -> None:
    """Copy a consistent snapshot while others read and write; raises StorageError.

    Uses SQLite's online backup in a single step: in WAL mode, it blocks no writer and no writer
    restarts it.
    """
    if not source.exists():
        raise StorageError(user_messages.NO_DATABASE)
    try:
        source_connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)
        target_connection = sqlite3.connect(target)
        try:
            source_connection.backup(target_connection)
            # leaves a single file without a log beside it
            target_connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            target_connection.close()
            source_connection.close()
    except sqlite3.Error as error:
        raise StorageError(user_messages.copy_failed(str(error))) from error


def check_copy(path: Path) -> str:
    """Return the schema revision of an intact, supported copy; raises StorageError otherwise."""
    try:
        copy = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            integrity = copy.execute("PRAGMA integrity_check").fetchone()[0]
            revision = str(copy.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        finally:
            copy.close()
    except (sqlite3.Error, TypeError) as error:
        raise StorageError(user_messages.backup_unreadable(str(error))) from error
    if integrity != "ok":
        raise StorageError(user_messages.BACKUP_DAMAGED)
    check_backup_revision(revision)
    return revision


def count_rows(path: Path) -> dict[str, int]:
    """Count the rows of each table, except the schema revision, of a copy that has no writer.

    Raises StorageError if it cannot be read.
    """
    try:
        copy = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            tables = copy.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                "AND name <> 'alembic_version' ORDER BY name"
            ).fetchall()
            return {
                table: int(copy.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608
                for (table,) in tables
            }
        finally:
            copy.close()
    except sqlite3.Error as error:
        raise StorageError(user_messages.rows_uncountable(str(error))) from error
