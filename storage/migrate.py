"""Schema upgrades with Alembic, from any revision since the baseline."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from storage import user_messages
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
            raise StorageError(user_messages.newer_schema(current, newest))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def check_release(revision: str) -> None:
    """Raise StorageError if the revision is one of version 0.1.0."""
    if revision in REVISIONS_OF_0_1_0:
        raise StorageError(user_messages.schema_of_0_1_0(revision))


def check_backup_revision(revision: str) -> None:
    """Raise StorageError if a backup at this revision cannot be upgraded."""
    check_release(revision)
    scripts = ScriptDirectory.from_config(_config())
    if not _is_known(scripts, revision):
        raise StorageError(user_messages.newer_backup(revision, scripts.get_current_head()))


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
