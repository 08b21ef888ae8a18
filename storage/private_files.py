"""Files and folders that only their owner may read, whatever the umask of the process."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

FOLDER_MODE = 0o700
"""Mode of every folder in the state folder."""

FILE_MODE = 0o600
"""Mode of every file in the state folder."""

SHARED_BITS = 0o077
"""Permission bits of group and others."""


def system_has_modes() -> bool:
    """Whether files have POSIX permission bits here; Windows has access lists instead."""
    return os.name == "posix"


def make_private_folder(folder: Path) -> None:
    """Create a folder for its owner only, with the folders above it that are missing.

    A folder that exists already keeps its mode: `doctor --fix` changes those. Raises OSError.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if not folder.is_dir():
        raise FileExistsError(f"{folder.name} is a file.")


def open_private(path: Path, mode: str) -> IO[bytes]:
    """Open a file in binary `mode`; if that creates the file, only its owner may read it."""
    return open(path, mode, opener=_private_opener)


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def make_private(path: Path) -> None:
    """Take the permissions of group and others from a file, or from a folder and all in it.

    Symbolic links are left alone. Raises OSError.
    """
    if not system_has_modes():
        return
    for one in find_shared_files(path):
        one.chmod(stat.S_IMODE(one.stat().st_mode) & ~SHARED_BITS)


def find_shared_files(path: Path) -> Iterator[Path]:
    """The path and everything below it that group or others may read, write or enter.

    Symbolic links below it are not followed. What cannot be read is passed over.
    """
    if _is_shared(path):
        yield path
    for below, folders, files in os.walk(path):
        for name in (*folders, *files):
            one = Path(below, name)
            if not one.is_symlink() and _is_shared(one):
                yield one


def _is_shared(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & SHARED_BITS)
    except OSError:
        return False
