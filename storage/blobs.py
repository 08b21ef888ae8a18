"""Content-addressed files, named by their SHA-256, and their rows.

A file is written under a temporary name, synced, then renamed, so every named file is complete. The
row is written after the file, so every row has its file.
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

from storage import user_messages
from storage.errors import BlobError
from storage.private_files import make_private_folder, open_private
from storage.row_values import as_record
from storage.tables import Blob, now

BlobKind = Literal["pixels", "attention", "evidence"]
BlobCondition = Literal["ok", "missing", "damaged"]


@dataclass(frozen=True)
class BlobRecord:
    """A stored file."""

    sha256: str
    """Hash of its bytes, 64 hexadecimal digits; also its name."""

    kind: str
    """`pixels` (the picture that a model saw), `attention` or `evidence` (maps)."""

    media_type: str
    """Such as `image/png`."""

    byte_count: int
    """Size in bytes."""

    created_at: datetime
    """When it was first stored, UTC."""

    removed_at: datetime | None
    """When it was removed on purpose, UTC; None while it exists."""


class BlobStore:
    """Files below one folder as `ab/<sha256>`; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aside = folder / "incoming"
        self._writing: set[str] = set()

    def put(self, data: bytes) -> str:
        """Store the bytes durably; return their SHA-256. Raises BlobError."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        try:
            if not path.exists():
                self._write(path, data)
        except OSError as error:
            raise BlobError(_explain(error)) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the bytes; raises BlobError if they are missing or damaged."""
        try:
            data = self._path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise BlobError(user_messages.blob_missing(sha256[:12])) from error
        except OSError as error:
            raise BlobError(_explain(error)) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BlobError(user_messages.blob_damaged(sha256[:12]))
        return data

    def remove(self, sha256: str) -> None:
        """Delete the file; do nothing if there is none. Raises BlobError."""
        try:
            self._path(sha256).unlink(missing_ok=True)
        except OSError as error:
            raise BlobError(_explain(error)) from error

    def check(self, sha256: str) -> BlobCondition:
        """Check that the file exists and matches its hash, reading in chunks. Raises OSError."""
        try:
            with self._path(sha256).open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return "missing"
        return "ok" if actual == sha256 else "damaged"

    def list_names(self) -> Iterator[str]:
        """SHA-256 of every stored file."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            yield path.name

    def list_unfinished(self) -> list[Path]:
        """Temporary files; while the program runs, some may still be written."""
        return sorted(self._aside.glob("*"))

    def clear_unfinished(self, older_than: float) -> int:
        """Delete temporary files not written to for `older_than` seconds; return their number.

        Raises BlobError.
        """
        before = time.time() - older_than
        removed = 0
        try:
            for path in self.list_unfinished():
                # files that this program is writing are never old, even if the clock was changed
                if path.name not in self._writing and _written_before(path, before):
                    path.unlink(missing_ok=True)
                    removed += 1
        except OSError as error:
            raise BlobError(_explain(error)) from error
        return removed

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _write(self, path: Path, data: bytes) -> None:
        """Write to a temporary file, sync and rename; only the owner may read it."""
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
    """Store bytes and their row within a writing transaction; return their SHA-256.

    `put` a large file before the transaction; this then only finds it. Raises BlobError.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    row = session.get(Blob, sha256, with_for_update=True)
    if row is None:
        row = Blob(sha256=sha256, kind=kind, media_type=media_type, byte_count=len(data))
        session.add(row)
    row.removed_at = None
    session.flush()
    # inside the transaction, because files are removed in one too
    return store.put(data)


def find_blob(session: Session, sha256: str) -> BlobRecord | None:
    """Row of a file, removed or not; None if it was never stored."""
    row = session.get(Blob, sha256)
    return None if row is None else as_record(BlobRecord, row)


def list_blobs(session: Session, *, kind: BlobKind | None = None) -> list[BlobRecord]:
    """Rows of the files that should exist, oldest first."""
    there = select(Blob).where(Blob.removed_at.is_(None)).order_by(Blob.created_at, Blob.sha256)
    if kind is not None:
        there = there.where(Blob.kind == kind)
    return [as_record(BlobRecord, row) for row in session.scalars(there)]


def mark_removed(session: Session, sha256: str) -> None:
    """Record that a file was removed on purpose."""
    row = session.get(Blob, sha256, with_for_update=True)
    if row is not None and row.removed_at is None:
        row.removed_at = now()
        session.flush()


def _written_before(path: Path, moment: float) -> bool:
    """Whether a file exists and was last written before that time, in epoch seconds."""
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:  # renamed in the meantime
        return False


def _sync_folder(folder: Path) -> None:
    """Sync a folder's entries to disk where the system supports it."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _explain(error: OSError) -> str:
    """Message for a file system error; contains no paths."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return user_messages.DATA_DISK_FULL
    return user_messages.data_file_failed(error.strerror)
