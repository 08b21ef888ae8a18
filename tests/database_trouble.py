"""SQLite's own refusals, made to come: a database that may not be written to, a full disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, event

READ_ONLY = ("query_only = ON", "query_only = OFF")
FULL = ("max_page_count = 1", "max_page_count = 4294967294")
"""Pragmas that make the trouble and that end it; a file cannot shrink to one page, so it is full
as it is."""


@dataclass
class Trouble:
    """What the databases of this process are told at the beginning of each transaction."""

    pragma: str | None = None
    """None leaves them alone."""

    def begin(self, connection: Connection) -> None:
        """Called by SQLAlchemy."""
        if self.pragma:
            connection.exec_driver_sql(f"PRAGMA {self.pragma}")


@contextmanager
def database_trouble() -> Iterator[Trouble]:
    """Trouble to be set and taken back within."""
    trouble = Trouble()
    event.listen(Engine, "begin", trouble.begin)
    try:
        yield trouble
    finally:
        event.remove(Engine, "begin", trouble.begin)
