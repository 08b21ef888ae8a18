"""Folders that are written completely or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pathviewer.common import user_messages
from storage.private_files import FOLDER_MODE, make_private


class FolderError(Exception):
    """A folder cannot be written; the message can be shown to users."""


@contextmanager
def new_folder(out: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary folder that is renamed to `out` at the end, or removed after an error.

    `private` restricts the folder and its contents to the owner; otherwise the umask applies.
    Raises FolderError if `out` exists and is not empty, or if the disk refuses.
    """
    _check_free(out)
    part: Path | None = None
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        part = out.absolute().with_name(f".{out.name}.part-{secrets.token_hex(4)}")
        part.mkdir()
        mode = part.stat().st_mode  # set by the umask, which a thread must not change
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
        raise FolderError(user_messages.folder_not_written(disk_sentence(error))) from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def disk_sentence(error: OSError) -> str:
    """Return the reason and the remedy, without a full stop or path."""
    return user_messages.DISK_REASONS.get(
        error.errno or 0, user_messages.disk_refusal(error.strerror)
    )


def server_sentence(error: OSError) -> str:
    """Return the reason for a remote user, who did not choose the folder."""
    return user_messages.server_disk_refusal(disk_sentence(error))


def _check_free(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()):
        raise FolderError(user_messages.folder_not_empty(out.name))
    if out.exists() and not out.is_dir():
        raise FolderError(user_messages.folder_is_file(out.name))


def _sync_files(folder: Path) -> None:
    """Flush all files to disk before the folder is renamed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
