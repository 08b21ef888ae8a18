"""Storage errors, and plain messages for database driver errors."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_SENTENCES = {
    "SQLITE_BUSY": "The database is busy with other work. Nothing was saved; try again.",
    "SQLITE_LOCKED": "The database is busy with other work. Nothing was saved; try again.",
    "SQLITE_READONLY": "The database may not be written to. Nothing was saved; ask the "
    "administrator to check the permissions of the data folder.",
    "SQLITE_FULL": "The disk of the database is full. Nothing was saved; free some space and "
    "try again.",
    "SQLITE_IOERR": "The disk of the database reports an error. Nothing was saved; ask the "
    "administrator to check it.",
    "SQLITE_CANTOPEN": "The database file cannot be opened. Check that its folder exists and "
    "may be written to.",
    "SQLITE_NOTADB": "The database file is not a database. Move it away or restore a backup.",
    "SQLITE_CORRUPT": "The database file is damaged. Restore a backup.",
    "SQLITE_CONSTRAINT": "The database refused a value that breaks one of its rules. "
    "Nothing was saved.",
}
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
_OTHER = (
    "The database cannot be reached or refused the work. Nothing was saved; try again, and ask "
    "the administrator if that does not help."
)


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
        return _SENTENCES["SQLITE_BUSY"]
    if isinstance(error, IntegrityError):
        return _SENTENCES["SQLITE_CONSTRAINT"]
    name = getattr(error.orig, "sqlite_errorname", None) or ""
    name = name or _SQLSTATES.get(getattr(error.orig, "sqlstate", None) or "", "")
    # extended names such as SQLITE_BUSY_SNAPSHOT start with the primary one
    return next((text for key, text in _SENTENCES.items() if name.startswith(key)), _OTHER)
