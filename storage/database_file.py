"""SQLite file: its path, its schema revision, and whether it was removed or replaced since opening.

Writes to a removed file are lost.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import URL

from storage import user_messages
from storage.errors import DatabaseGoneError


class DatabaseFile:
    """The opened file, identified by its inode; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Remember the file's inode; raises OSError if it does not exist."""
        self._path = path
        self._identity = self._read_identity()

    def check(self) -> None:
        """Raise DatabaseGoneError if the path leads to another file or to none."""
        try:
            same = self._read_identity() == self._identity
        except FileNotFoundError:
            same = False
        except OSError:
            return  # a share may be briefly unavailable; SQLite reports that itself
        if not same:
            raise DatabaseGoneError(user_messages.DATABASE_GONE)

    def _read_identity(self) -> tuple[int, int]:
        status = os.stat(self._path)  # noqa: PTH116  a third of the time of Path.stat
        return status.st_dev, status.st_ino


def sqlite_path(url: URL) -> Path | None:
    """SQLite file of a URL; None for an in-memory database or a custom URI."""
    name = url.database or ""
    return None if name in ("", ":memory:") or name.startswith("file:") else Path(name)


def without_creation(url: URL, path: Path) -> URL:
    """The same database with creation disabled, so SQLite does not recreate a missing file."""
    uri = "file:" + quote(path.absolute().as_posix())
    return url.set(database=uri).update_query_dict({"uri": "true", "mode": "rw"})


def recorded_revision(path: Path) -> str | None:
    """Schema revision in a file, which stays unchanged; None if it cannot be read."""
    uri = f"file:{quote(path.absolute().as_posix())}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=0)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None  # no database, an empty one, or one in use; opening it explains more
    return None if row is None else str(row[0])
