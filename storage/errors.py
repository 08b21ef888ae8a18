"""Storage errors, and plain messages for database driver errors."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage import user_messages

_SQLSTATES = {
    "55P03": "SQLITE_BUSY",  # lock timeout
    "40P01": "SQLITE_BUSY",  # deadlock
    "40001": "SQLITE_BUSY",
    "53300": "SQLITE_BUSY",  # too many connections
    "53100": "SQLITE_FULL",
    "25006": "SQLITE_READONLY",
    "58030": "SQLITE_IOERR",
    "P0001": "SQLITE_CONSTRAINT",  # raised by one of our triggers
}
"""PostgreSQL error codes and their SQLite equivalents."""


class StorageError(Exception):
    """Base class of storage errors; the message can be shown to users."""

    code = "storage_failed"
    """Machine-readable error code."""


class DatabaseGoneError(StorageError):
    """The database's file was removed or replaced while the program was running."""

    code = "database_gone"


class RecordNotFoundError(StorageError):
    """The record does not exist or belongs to another account."""

    code = "not_found"


class NameTakenError(StorageError):
    """Another record has this name."""

    code = "name_taken"


class ConflictError(StorageError):
    """The request conflicts with stored data."""

    code = "conflict"


class BlobError(StorageError):
    """A file beside the database is damaged, or cannot be read or written."""

    code = "file_failed"


def explain_error(error: DBAPIError | PoolTimeoutError) -> str:
    """Message for a driver error; contains no paths, addresses or values."""
    if isinstance(error, PoolTimeoutError):  # connection pool exhausted
        return user_messages.DATABASE_ERRORS["SQLITE_BUSY"]
    if isinstance(error, IntegrityError):
        return user_messages.DATABASE_ERRORS["SQLITE_CONSTRAINT"]
    name = getattr(error.orig, "sqlite_errorname", None) or ""
    name = name or _SQLSTATES.get(getattr(error.orig, "sqlstate", None) or "", "")
    # extended names such as SQLITE_BUSY_SNAPSHOT start with the primary one
    return next(
        (text for key, text in user_messages.DATABASE_ERRORS.items() if name.startswith(key)),
        user_messages.OTHER_DATABASE_ERROR,
    )
