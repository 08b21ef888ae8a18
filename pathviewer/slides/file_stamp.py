"""File stamps, which show whether a file was changed or replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileStamp:
    """State of one file."""

    device: int
    """Id of its file system."""

    inode: int
    """Inode number in that file system."""

    size: int
    """In bytes."""

    changed_ns: int
    """Time of the last change of content, in nanoseconds."""


def stamp_file(path: Path) -> FileStamp | None:
    """Return the state of a file; `None` if it does not exist or cannot be accessed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return FileStamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
