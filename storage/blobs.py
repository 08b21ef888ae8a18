"""Files that are kept by the SHA-256 of what is in them, and the rows that know of them.

A file is written aside, brought to the disk and only then given its name, so that whatever has a
name is whole. The row is written after the file, so that whatever has a row is there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.errors import BlobError
from storage.private_files import make_private_folder, open_private
from storage.row_values import as_record
from storage.tables import Blob, now

BlobKind = Literal["pixels", "attention"]
BlobCondition = Literal["ok", "missing", "damaged"]


@dataclass(frozen=True)
class BlobRecord:
    """What is stored about a file."""

    sha256: str
    """Of its bytes, 64 hexadecimal digits; its name."""

    kind: str
    """`pixels`, the picture that a model saw, or `attention`."""

    media_type: str
    """Such as `image/png`."""

    byte_count: int
    """Its length."""

    created_at: datetime
    """When it was first kept, UTC."""

    removed_at: datetime | None
    """When it was removed on purpose, UTC; None while it is there."""


class BlobStore:
    """The files, below one folder, as `ab/<sha256>`; may be shared between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aside = folder / "incoming"
        self._writing: set[str] = set()

    def put(self, data: bytes) -> str:
        """Keep these bytes; their SHA-256. On return they are on the disk. Raises BlobError."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        try:
            if not path.exists():
                self._write(path, data)
        except OSError as error:
            raise BlobError(_explain(error)) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes; raises BlobError if they are not there or not what they were."""
        try:
            data = self._path(sha256).read_bytes()
        except FileNotFoundError as error:
            message = f"The file {sha256[:12]} is not kept any more; restore it from a backup."
            raise BlobError(message) from error
        except OSError as error:
            raise BlobError(_explain(error)) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BlobError(f"The file {sha256[:12]} is damaged; restore it from a backup.")
        return data

    def remove(self, sha256: str) -> None:
        """Remove the file; nothing happens if there is none. Raises BlobError."""
        try:
            self._path(sha256).unlink(missing_ok=True)
        except OSError as error:
            raise BlobError(_explain(error)) from error

    def check(self, sha256: str) -> BlobCondition:
        """Whether the file is there and hashes right; read in pieces. Raises OSError."""
        try:
            with self._path(sha256).open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return "missing"
        return "ok" if actual == sha256 else "damaged"

    def list_names(self) -> Iterator[str]:
        """SHA-256 of every file that is there."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            yield path.name

    def list_unfinished(self) -> list[Path]:
        """Files whose writing was cut off; while the program runs, some may be under way."""
        return sorted(self._aside.glob("*"))

    def clear_unfinished(self, older_than: float) -> int:
        """Remove those that nothing was written to for so many seconds; how many there were.

        Raises BlobError.
        """
        before = time.time() - older_than
        removed = 0
        try:
            for path in self.list_unfinished():
                # what this program is writing is not old, whatever the time of day was set to
                if path.name not in self._writing and _written_before(path, before):
                    path.unlink(missing_ok=True)
                    removed += 1
        except OSError as error:
            raise BlobError(_explain(error)) from error
        return removed

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _write(self, path: Path, data: bytes) -> None:
        """Aside, to the disk, and into place; readable by the owner only."""
        for folder in (self._aside, path.parent):
            make_private_folder(folder)
        part = self._aside / f"tmp{secrets.token_hex(8)}"
        self._writing.add(part.name)
        try:
            with open_private(part, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        finally:
            self._writing.discard(part.name)
        _sync_folder(path.parent)
        _sync_folder(self._folder)


def store_blob(
    session: Session, store: BlobStore, data: bytes, kind: BlobKind, media_type: str
) -> str:
    """Keep bytes and their row, within a transaction that writes; their SHA-256.

    A large file is best `put` before the transaction begins: here it is then only looked for.
    Raises BlobError.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    row = session.get(Blob, sha256, with_for_update=True)
    if row is None:
        row = Blob(sha256=sha256, kind=kind, media_type=media_type, byte_count=len(data))
        session.add(row)
    row.removed_at = None
    session.flush()
    # within the transaction, since what removes files does so in one too
    return store.put(data)


def find_blob(session: Session, sha256: str) -> BlobRecord | None:
    """The row of a file, removed or not; None if it was never kept."""
    row = session.get(Blob, sha256)
    return None if row is None else as_record(BlobRecord, row)


def list_blobs(session: Session, *, kind: BlobKind | None = None) -> list[BlobRecord]:
    """Rows of the files that should be there, the oldest first."""
    there = select(Blob).where(Blob.removed_at.is_(None)).order_by(Blob.created_at, Blob.sha256)
    if kind is not None:
        there = there.where(Blob.kind == kind)
    return [as_record(BlobRecord, row) for row in session.scalars(there)]


def mark_removed(session: Session, sha256: str) -> None:
    """Say in its row that a file is removed on purpose."""
    row = session.get(Blob, sha256, with_for_update=True)
    if row is not None and row.removed_at is None:
        row.removed_at = now()
        session.flush()


def _written_before(path: Path, moment: float) -> bool:
    """Whether a file is there and was last written to before that time of day."""
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:  # it has its name by now
        return False


def _sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk, where the system can do so."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _explain(error: OSError) -> str:
    """The sentence for a file system's error; says nothing of paths."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk of the data folder is full. Nothing was saved; free some space."
    return (
        f"A file of the data folder cannot be read or written ({error.strerror}). Ask the "
        "administrator to check the folder's permissions and disk."
    )
