"""The one error root of the storage, and the plain sentences of the database's own errors."""

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
    "55P03": "SQLITE_BUSY",  # a lock was not to be had in time
    "40P01": "SQLITE_BUSY",  # two transactions waited for each other
    "40001": "SQLITE_BUSY",
    "53300": "SQLITE_BUSY",  # too many connections
    "53100": "SQLITE_FULL",
    "25006": "SQLITE_READONLY",
    "58030": "SQLITE_IOERR",
    "P0001": "SQLITE_CONSTRAINT",  # a trigger of ours refused
}
"""PostgreSQL's codes for what SQLite has a name for."""
_OTHER = (
    "The database cannot be reached or refused the work. Nothing was saved; try again, and ask "
    "the administrator if it stays so."
)


class StorageError(Exception):
    """Root of the storage's errors; the message is a sentence fit to be shown."""

    code = "storage_failed"
    """A short name for programs."""


class DatabaseGoneError(StorageError):
    """The database's file was removed or replaced while the program was running."""

    code = "database_gone"


class RecordNotFoundError(StorageError):
    """There is no such record, or it belongs to another account."""

    code = "not_found"


class NameTakenError(StorageError):
    """Another record has this name."""

    code = "name_taken"


class ConflictError(StorageError):
    """What is stored already does not go together with what is asked for."""

    code = "conflict"


class BlobError(StorageError):
    """A file beside the database cannot be read or written, or is not what it was."""

    code = "file_failed"


def explain_error(error: DBAPIError | PoolTimeoutError) -> str:
    """The sentence for a driver's error; says nothing of paths, addresses or values."""
    if isinstance(error, PoolTimeoutError):  # all connections of the pool are in use
        return _SENTENCES["SQLITE_BUSY"]
    if isinstance(error, IntegrityError):
        return _SENTENCES["SQLITE_CONSTRAINT"]
    name = getattr(error.orig, "sqlite_errorname", None) or ""
    name = name or _SQLSTATES.get(getattr(error.orig, "sqlstate", None) or "", "")
    # extended names such as SQLITE_BUSY_SNAPSHOT begin with the primary one
    return next((text for key, text in _SENTENCES.items() if name.startswith(key)), _OTHER)
