"""Files and folders that only their owner may read, regardless of the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from storage import user_messages

FOLDER_MODE = 0o700
"""Mode of folders in the state folder."""

FILE_MODE = 0o600
"""Mode of files in the state folder."""

SHARED_BITS = 0o077
"""Permission bits of group and others."""


def system_has_modes() -> bool:
    """Whether this system has POSIX permission bits; Windows has access lists instead."""
    return os.name == "posix"


def make_private_folder(folder: Path) -> None:
    """Create a folder for its owner only, with any missing parents.

    An existing folder keeps its mode; `doctor --fix` changes it. Raises OSError.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if not folder.is_dir():
        raise FileExistsError(user_messages.folder_is_file(folder.name))


def open_private(path: Path, mode: str) -> IO[bytes]:
    """Open a file in binary `mode`; a file created by this is readable only by its owner."""
    return open(path, mode, opener=_private_opener)


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def make_private(path: Path) -> None:
    """Remove group and other permissions from a file, or from a folder and its contents.

    Symbolic links are left alone. Raises OSError.
    """
    if not system_has_modes():
        return
    for one in find_shared_files(path):
        one.chmod(stat.S_IMODE(one.stat().st_mode) & ~SHARED_BITS)


def find_shared_files(path: Path) -> Iterator[Path]:
    """Yield the path and everything below it that group or others may access.

    Symbolic links below it are not followed. Unreadable entries are skipped.
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
