"""Backups: the database and the files it references, as a folder."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pathviewer import __version__
from pathviewer.common.atomic_folder import new_folder
from pathviewer.operations import user_messages
from pathviewer.operations.errors import UpkeepError
from pathviewer.operations.upload_backup import (
    copy_uploads,
    find_foreign_uploads,
    list_uploaded_files,
    restore_uploads,
)
from pathviewer.settings import Settings
from storage.backup import check_copy, copy_database, count_rows, find_sqlite_file
from storage.blobs import BlobStore, list_blobs
from storage.database import Database, open_database
from storage.errors import BlobError
from storage.private_files import make_private_folder, open_private

DATABASE = "pathviewer.sqlite3"
MANIFEST = "manifest.json"
UPLOADS = "uploads"
Progress = Callable[[int, int], None]


@dataclass
class BackupContents:
    """Contents of a backup."""

    files: int = 0
    """Number of pictures and attention files."""
    uploads: int = 0
    """Number of files of uploaded slides."""
    byte_count: int = 0
    """Total size."""
    unusable: list[str] = field(default_factory=list)
    """Missing or damaged files: blobs by SHA-256, uploads by name."""
    revision: str = ""
    """Schema revision of the database."""


def back_up(
    settings: Settings,
    out: Path,
    progress: Progress = lambda _a, _b: None,
    *,
    uploads: bool = False,
) -> BackupContents:
    """Write a backup to `out`; the program may be running. Raises FolderError, StorageError.

    `uploads` includes uploaded slides. The database is copied first, since its rows are written
    after the files that they reference.
    """
    source = find_sqlite_file(settings.database)
    with new_folder(out, private=True) as folder:
        copy_database(source, folder / DATABASE)
        contents = BackupContents(revision=check_copy(folder / DATABASE))
        names = _blob_names(folder / DATABASE)
        paths = list_uploaded_files(settings.uploads) if uploads else []
        one_done = _step_counter(len(names) + len(paths), progress)
        contents.byte_count = (folder / DATABASE).stat().st_size
        store = BlobStore(settings.blobs)
        for name in names:
            _copy_blob(store, folder / "blobs", name, contents)
            one_done()
        slides, lost = copy_uploads(settings.uploads, folder / UPLOADS, paths, one_done)
        contents.uploads, contents.byte_count = len(slides), contents.byte_count + _bytes(slides)
        contents.unusable += lost
        manifest = {
            "program": f"pathviewer {__version__}",
            "revision": contents.revision,
            "database": file_hash(folder / DATABASE),
            "rows": count_rows(folder / DATABASE),
            "files": contents.files,
            "lost": contents.unusable,
            "uploads": slides,
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return contents


def restore(
    settings: Settings, folder: Path, progress: Progress = lambda _a, _b: None
) -> BackupContents:
    """Restore a backup into a data folder without a database; the files come first.

    Raises UpkeepError, StorageError or OSError; the database file then does not exist.
    """
    target = find_sqlite_file(settings.database)
    manifest = _check_backup(settings, target, folder)
    contents = BackupContents(revision=check_copy(folder / DATABASE))
    part = target.with_name(f"{target.name}.part")
    try:
        make_private_folder(target.parent)
        _clear(part)
        open_private(part, "xb").close()
        shutil.copyfile(folder / DATABASE, part)
        names, slides = _blob_names(part), manifest.get("uploads", [])
        one_done = _step_counter(len(names) + len(slides), progress)
        source, store = BlobStore(folder / "blobs"), BlobStore(settings.blobs)
        for name in names:
            _restore_blob(source, store, name, contents)
            one_done()
        right, unusable = restore_uploads(folder / UPLOADS, settings.uploads, slides, one_done)
        contents.uploads, contents.unusable = len(right), contents.unusable + unusable
        contents.byte_count += part.stat().st_size + _bytes(slides)
        part.replace(target)
    finally:
        _clear(part)
    return contents


def _clear(part: Path) -> None:
    for path in part.parent.glob(f"{part.name}*"):
        path.unlink(missing_ok=True)


def _check_backup(settings: Settings, target: Path, folder: Path) -> dict[str, Any]:
    """Return the manifest of a backup that can be restored here. Raises UpkeepError."""
    leftover = f"{target.name}.part"  # of a restore that was killed
    there = (path.name for path in target.parent.glob(f"{target.name}*"))
    if not all(name.startswith(leftover) for name in there):
        raise UpkeepError(user_messages.DATABASE_IN_THE_WAY)
    manifest = read_manifest(folder)
    slides = manifest.get("uploads", [])
    other = next(find_foreign_uploads(settings.uploads, slides), None) if slides else None
    if other is not None:
        raise UpkeepError(user_messages.uploads_in_the_way(other))
    if file_hash(folder / DATABASE) != manifest.get("database"):
        raise UpkeepError(user_messages.DATABASE_OF_BACKUP_CHANGED)
    return manifest


def _step_counter(total: int, progress: Progress) -> Callable[[], None]:
    """Return a function that reports one more completed file of `total` per call."""
    done = itertools.count(1)
    return lambda: progress(next(done), total)


def _bytes(slides: list[dict[str, Any]]) -> int:
    return sum(int(each["bytes"]) for each in slides)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; UpkeepError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UpkeepError(
            user_messages.file_missing_in_backup(path.name, error.strerror)
        ) from error


def _blob_names(path: Path) -> list[str]:
    """Return the files that a database copy references; an older schema is migrated."""
    copy: Database = open_database(f"sqlite:///{path}")
    try:
        with copy.read_only() as session:
            names = [blob.sha256 for blob in list_blobs(session)]
        copy.checkpoint()
    finally:
        copy.close()
    return names


def _copy_blob(store: BlobStore, folder: Path, name: str, contents: BackupContents) -> None:
    try:
        data = store.get(name)
    except BlobError:
        contents.unusable.append(name)
        return
    path = folder / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    contents.files += 1
    contents.byte_count += len(data)


def _restore_blob(source: BlobStore, store: BlobStore, name: str, contents: BackupContents) -> None:
    try:
        data = source.get(name)
    except BlobError:
        contents.unusable.append(name)
        return
    store.put(data)
    contents.files += 1
    contents.byte_count += len(data)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a backup's manifest; raises UpkeepError for a folder without one."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UpkeepError(user_messages.manifest_missing(folder.name, MANIFEST)) from error
    if not isinstance(manifest, dict) or "database" not in manifest:
        raise UpkeepError(user_messages.manifest_without_database(folder.name, MANIFEST))
    return manifest
