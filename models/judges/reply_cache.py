"""Content-addressed cache of replies, so that no request is sent or paid for twice, across runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from models import user_messages
from models.errors import ModelError


class ReplyCache:
    """A folder of replies, one file each; safe for concurrent threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, creating it if needed. Raises ModelError if that fails."""
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(user_messages.reply_folder_not_created(error.strerror)) from error

    def get(self, key: str) -> str | None:
        """Cached reply of a key; None if there is none or it is unreadable."""
        try:
            return self._path(key).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def put(self, key: str, content: str) -> None:
        """Store a reply atomically. Raises ModelError if the disk refuses it."""
        path = self._path(key)
        try:
            path.parent.mkdir(exist_ok=True)
            handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
            Path(part).replace(path)
        except OSError as error:
            raise ModelError(user_messages.reply_not_stored(error.strerror)) from error

    def _path(self, key: str) -> Path:
        """Path of a reply; `key` is hexadecimal."""
        return self._folder / key[:2] / key
