"""Uploaded slides in a backup: the data folder is the only other place where they are."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def keep_uploads(source: Path, target: Path) -> list[dict[str, Any]]:
    """Copy what was uploaded whole; `{path, bytes, sha256}` of each file. Raises OSError."""
    kept = []
    for path in uploaded(source):
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, copy)
        size = copy.stat().st_size
        kept.append({"path": path.as_posix(), "bytes": size, "sha256": _hash(copy)})
    return kept


def put_back(source: Path, target: Path, told: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Copy them from a backup; names of those put back, and of those missing or damaged.

    What the backup's folder holds and its manifest does not name is left out. Raises OSError.
    """
    wanted = {str(each["path"]): each["sha256"] for each in told}
    right = [
        path for path in uploaded(source) if wanted.get(path.as_posix()) == _hash(source / path)
    ]
    for path in right:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)
    names = [path.as_posix() for path in right]
    return names, sorted(wanted.keys() - set(names))


def uploaded(folder: Path) -> Iterator[Path]:
    """Files below a folder of uploads, relative to it; hidden ones are on their way in."""
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in below.parts)
        if path.is_file() and not path.is_symlink() and not hidden:
            yield below


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
