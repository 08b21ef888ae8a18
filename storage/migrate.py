"""Bringing a database to the newest schema with Alembic, from any earlier one."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from storage.errors import StorageError

_LOCK_NUMBER = 7_860_001
"""Number of the PostgreSQL lock that lets one process migrate at a time."""


def current_revision(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """To a revision, the newest if none is named, inside the connection's transaction.

    Raises `StorageError` if the database is at a revision this version does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = current_revision(connection) or "base"
    newest = scripts.get_current_head()
    if current == newest:
        return
    try:
        scripts.get_revision(current)
    except CommandError as error:
        raise StorageError(
            f"The database is at schema revision {current}, which this version does not know "
            f"(it knows up to {newest}). Install the newer version again or restore a backup."
        ) from error
    command.upgrade(config, revision)


def newest_revision() -> str:
    """The schema revision that this version of the program writes."""
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return str(ScriptDirectory.from_config(config).get_current_head())
