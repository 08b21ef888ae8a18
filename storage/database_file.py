"""SQLite's file: where it is, its schema revision, and whether it is still the one that was opened.

A file that was removed loses what is written to it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import URL

from storage.errors import DatabaseGoneError

_GONE = (
    "The database file was removed or replaced while the program was running. Nothing was saved; "
    "put the file back or restore a backup, and start the program again."
)


class DatabaseFile:
    """The file that a program opened, by its inode; may be shared between threads."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if there is no such file."""
        self._path = path
        self._identity = self._read_identity()

    def check(self) -> None:
        """Raise DatabaseGoneError if the path leads to another file, or to none."""
        try:
            same = self._read_identity() == self._identity
        except FileNotFoundError:
            same = False
        except OSError:
            return  # a share that is away for a moment; SQLite says so itself
        if not same:
            raise DatabaseGoneError(_GONE)

    def _read_identity(self) -> tuple[int, int]:
        status = os.stat(self._path)  # noqa: PTH116  a third of the time of Path.stat
        return status.st_dev, status.st_ino


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite database; None for one in memory, or named by a URI of its own."""
    name = url.database or ""
    return None if name in ("", ":memory:") or name.startswith("file:") else Path(name)


def without_creation(url: URL, path: Path) -> URL:
    """The same database, which SQLite never creates again when its file is gone."""
    uri = "file:" + quote(path.absolute().as_posix())
    return url.set(database=uri).update_query_dict({"uri": "true", "mode": "rw"})


def recorded_revision(path: Path) -> str | None:
    """The schema revision in a file, which stays as it is; None if none can be read."""
    uri = f"file:{quote(path.absolute().as_posix())}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=0)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None  # no database, an empty one, or one in use: opening it says more
    return None if row is None else str(row[0])
