"""Uploaded slides in a backup; otherwise they exist only in the data folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from storage.private_files import make_private_folder, open_private

PARTIAL_NAME = ".restoring"
"""Name of an incomplete restored file in the folder of uploads."""


def copy_uploads(
    source: Path, target: Path, paths: Sequence[Path], one_done: Callable[[], None]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Copy the files that `list_uploaded_files` returned. Raises OSError.

    Return `{path, bytes, sha256}` of each file, and the names of files removed meanwhile.
    """
    entries, removed_names = [], []
    for path in paths:
        copy, name = target / path, path.as_posix()
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source / path, copy)
        except FileNotFoundError:
            removed_names.append(name)
        else:
            size = copy.stat().st_size
            entries.append({"path": name, "bytes": size, "sha256": _hash(copy)})
        one_done()
    return entries, removed_names


def restore_uploads(
    source: Path, target: Path, entries: list[dict[str, Any]], one_done: Callable[[], None]
) -> tuple[list[str], list[str]]:
    """Restore files from a backup; return the restored names and the missing or damaged names.

    Files that the manifest does not list are skipped. A file gets its name when it is complete, so
    an interrupted restore can be repeated. Raises OSError.
    """
    expected_hashes, right = _hashes_by_name(entries), []
    part = target / PARTIAL_NAME
    try:
        for path in list_uploaded_files(source):
            name = path.as_posix()
            if name in expected_hashes:
                if _restore_file(source / path, target / path, part, expected_hashes[name]):
                    right.append(name)
                one_done()
    finally:
        part.unlink(missing_ok=True)
    return right, sorted(expected_hashes.keys() - set(right))


def _restore_file(source: Path, target: Path, part: Path, sha256: str) -> bool:
    """Restore one file; return whether it exists with the right hash."""
    if target.exists():  # from an earlier restore; foreign files have already been excluded
        return True
    make_private_folder(target.parent)
    part.unlink(missing_ok=True)
    open_private(part, "xb").close()
    shutil.copyfile(source, part)
    if _hash(part) != sha256:
        return False
    part.replace(target)
    return True


def find_foreign_uploads(folder: Path, entries: list[dict[str, Any]]) -> Iterator[Path]:
    """Yield uploaded files that differ from the backup's or are not in it."""
    expected_hashes = _hashes_by_name(entries)
    for path in list_uploaded_files(folder):
        if expected_hashes.get(path.as_posix()) != _hash(folder / path):
            yield path


def list_uploaded_files(folder: Path) -> list[Path]:
    """Return files below a folder of uploads, relative to it, without hidden (incomplete) ones."""
    paths = (Path(below) / name for below, _, names in os.walk(folder) for name in names)
    relative = [path.relative_to(folder) for path in paths if path.is_file()]
    return sorted(path for path in relative if _is_visible(folder, path))


def _is_visible(folder: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and not (folder / path).is_symlink()


def _hashes_by_name(entries: list[dict[str, Any]]) -> dict[str, str]:
    return {str(each["path"]): str(each["sha256"]) for each in entries}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
