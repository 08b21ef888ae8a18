"""What tells a file from another one that takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileStamp:
    """The state of one file."""

    device: int
    """The file system it is on."""

    inode: int
    """Its number there."""

    size: int
    """In bytes."""

    changed_ns: int
    """Time of the last change of its content, in nanoseconds."""


def stamp_file(path: Path) -> FileStamp | None:
    """The state of a file, `None` if there is no such file or it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return FileStamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
