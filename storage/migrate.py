"""Schema upgrades with Alembic, from any revision since the baseline."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from storage.errors import StorageError

MIGRATIONS = Path(__file__).parent / "migrations"
"""Alembic environment and revisions."""

REVISIONS_OF_0_1_0 = frozenset(f"{number:04}" for number in range(1, 18))
"""Schema revisions before the baseline, whose migrations no longer exist."""

_LOCK_NUMBER = 7_860_001
"""PostgreSQL lock that lets one process migrate at a time."""


def current_revision(connection: Connection) -> str | None:
    """Schema revision of the database; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, revision: str = "head", migrations: Path = MIGRATIONS) -> None:
    """Upgrade to a revision (default: the newest) inside the connection's transaction.

    Raises `StorageError` if the database's revision is unknown to this version or cannot be
    upgraded.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
    config = _config(migrations)
    scripts = ScriptDirectory.from_config(config)
    current = current_revision(connection)
    newest = scripts.get_current_head()
    if current == newest:
        return
    if current is not None:
        check_release(current)
        if not _is_known(scripts, current):
            raise StorageError(
                f"The database is at schema revision {current}, which this version does not know "
                f"(it knows up to {newest}). Install the newer version again or restore a backup."
            )
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def check_release(revision: str) -> None:
    """Raise StorageError if the revision is one of version 0.1.0."""
    if revision in REVISIONS_OF_0_1_0:
        raise StorageError(
            f"The database is of version 0.1.0 (schema revision {revision}), which this version "
            "cannot upgrade. Nothing in it was changed. Start with an empty state folder "
            "(PATHVIEWER_DATA, and PATHVIEWER_DATABASE_URL if it is set), or go on with 0.1.0 and "
            "export there."
        )


def check_backup_revision(revision: str) -> None:
    """Raise StorageError if a backup at this revision cannot be upgraded."""
    check_release(revision)
    scripts = ScriptDirectory.from_config(_config())
    if not _is_known(scripts, revision):
        raise StorageError(
            f"The backup is at schema revision {revision}, which this version does not know (it "
            f"knows up to {scripts.get_current_head()}). Install the version that wrote it."
        )


def newest_revision() -> str:
    """Schema revision that this version writes."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config(migrations: Path = MIGRATIONS) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return config


def _is_known(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        scripts.get_revision(revision)
    except CommandError:
        return False
    return True
