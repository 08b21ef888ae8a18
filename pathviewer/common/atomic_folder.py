"""A folder that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.private_files import FOLDER_MODE, make_private


class FolderError(Exception):
    """A folder cannot be written; the message is a sentence fit to be shown."""


_REASONS = {
    errno.ENOSPC: "The disk is full: free some space, or choose another --out",
    errno.EDQUOT: "Your quota of the disk is used up: free some space, or choose another --out",
    errno.EFBIG: "A file would become larger than allowed here: choose another --out",
    errno.EACCES: "It may not be written to: choose another --out",
    errno.EPERM: "It may not be written to: choose another --out",
    errno.EROFS: "Its disk may only be read: choose another --out",
    errno.EEXIST: "It lies within something that is no folder: choose another --out",
    errno.ENOTDIR: "It lies within something that is no folder: choose another --out",
}


@contextmanager
def new_folder(out: Path, *, private: bool = False) -> Iterator[Path]:
    """A folder to fill, which is given the name `out` at the end, and is gone after an error.

    `private` makes it and all in it its owner's alone; else the umask says who may read it. Raises
    FolderError if `out` is there and not empty,
    or where the disk refuses.
    """
    _check_free(out)
    part: Path | None = None
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        part = out.absolute().with_name(f".{out.name}.part-{secrets.token_hex(4)}")
        part.mkdir()
        mode = part.stat().st_mode  # as the umask has it, which a thread must not change
        part.chmod(FOLDER_MODE)
        yield part
        if private:
            make_private(part)
        _sync_files(part)
        if not private:
            part.chmod(stat.S_IMODE(mode))
        _check_free(out)
        if out.exists():
            out.rmdir()
        part.rename(out.absolute())
    except OSError as error:
        raise FolderError(f"{disk_sentence(error)}. Nothing was written.") from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def disk_sentence(error: OSError) -> str:
    """Why the disk refused and what to do, without a full stop and without a path."""
    return _REASONS.get(error.errno or 0, f"The disk refuses ({error.strerror})")


def server_sentence(error: OSError) -> str:
    """The same to somebody who sits elsewhere and chose no folder."""
    return f"{disk_sentence(error).split(':')[0]}. Tell whoever runs the server."


def _check_free(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()):
        raise FolderError(f"The folder {out.name} is not empty; choose another --out.")
    if out.exists() and not out.is_dir():
        raise FolderError(f"There is a file named {out.name} already; choose another --out.")


def _sync_files(folder: Path) -> None:
    """Everything to the disk before the name is given."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
