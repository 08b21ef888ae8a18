"""Replies kept by content, so that nothing is asked or paid for twice, in this run or the next."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from models.errors import ModelError


class ReplyCache:
    """A folder of replies, one file each; many threads and processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, made if it is not there. Raises ModelError if that cannot be."""
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The folder for the judge's replies cannot be made: {error.strerror}."
            raise ModelError(message) from error

    def get(self, key: str) -> str | None:
        """The reply kept under a key; None if there is none that can be read."""
        try:
            return self._path(key).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def put(self, key: str, content: str) -> None:
        """Keep a reply, whole or not at all. Raises ModelError if the disk does not take it."""
        path = self._path(key)
        try:
            path.parent.mkdir(exist_ok=True)
            handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
            Path(part).replace(path)
        except OSError as error:
            message = f"The judge's reply cannot be kept: {error.strerror}."
            raise ModelError(message) from error

    def _path(self, key: str) -> Path:
        """Where a reply is; `key` is hexadecimal."""
        return self._folder / key[:2] / key
