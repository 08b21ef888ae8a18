"""Access to the configured database for the duration of a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pathviewer.settings import Settings, read_settings
from storage.database import Database, open_database


@contextmanager
def open_configured_database() -> Iterator[tuple[Settings, Database]]:
    """Yield the settings and their open database. Raises StorageError."""
    settings = read_settings()
    database = open_database(settings.database)
    try:
        yield settings, database
    finally:
        database.close()
