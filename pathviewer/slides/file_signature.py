"""File types by first bytes, whatever the file name; no more is read."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pathviewer.slides import user_messages

FileKind = Literal["tiff", "dicom", "annotations", "other"]
"""Formats that are slides under any name, a zip file of annotations, or anything else."""

HEAD_BYTES = 512
"""Bytes needed for the file type; DICOM's mark is the farthest, at 128."""

_MOST_REMEMBERED = 1_000_000
"""Most files whose type is cached, at about 100 bytes each."""

_DICOM_MARK = 128

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

_ANNOTATIONS = (b".geojson", b".json")
"""Endings of what QuPath exports into a zip file."""

_OTHERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE), user_messages.WEB_PAGE),
    (re.compile(rb"version https://git-lfs"), user_messages.GIT_LFS_POINTER),
    (re.compile(rb"PK(\x03\x04|\x05\x06)"), user_messages.ZIP_ARCHIVE),
    (re.compile(rb"\x1f\x8b"), user_messages.GZIP_FILE),
    (re.compile(rb"7z\xbc\xaf\x27\x1c|Rar!"), user_messages.ARCHIVE),
    (re.compile(rb"%PDF"), user_messages.PDF_DOCUMENT),
    (re.compile(rb"\xff\xd8\xff"), user_messages.JPEG_PICTURE),
    (re.compile(rb"\x89PNG\r\n"), user_messages.PNG_PICTURE),
    (re.compile(rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51"), user_messages.JPEG_2000_PICTURE),
    (re.compile(rb"<DataObject ObjectType=.DPUfsImport"), user_messages.ISYNTAX_FILE),
    (re.compile(rb"\x00+$"), user_messages.ZEROS_ONLY),
)
"""First bytes of other files found among slides, each with the end of a sentence."""


def kind_of(head: bytes) -> FileKind:
    """Return the type of a file that begins with `head`."""
    if head.startswith(_TIFF):
        return "tiff"
    if head[_DICOM_MARK : _DICOM_MARK + 4] == b"DICM":
        return "dicom"
    return "annotations" if _first_in_zip(head).endswith(_ANNOTATIONS) else "other"


def _first_in_zip(head: bytes) -> bytes:
    """Return the name of the first file of a zip archive in lower case, else nothing."""
    if not head.startswith(b"PK\3\4"):
        return b""
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length].lower()


def fault_of(head: bytes) -> str | None:
    """Return why a file that begins with `head` is not a slide, with a remedy.

    The result is the end of a sentence; `None` if the reason is unknown.
    """
    if not head:
        return user_messages.EMPTY_FILE
    return next((fault for pattern, fault in _OTHERS if pattern.match(head)), None)


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return file.read(HEAD_BYTES)


class FirstBytes:
    """Cache of file types by path, size and time of change; thread-safe."""

    def __init__(self, head: Callable[[Path], bytes] | None = None) -> None:
        """Read files with `head`, by default `head_of`."""
        self._head = head or head_of
        self._lock = threading.Lock()
        # by a hash of 64 bits, since a folder may hold very many files that are no slides
        self._kinds: dict[int, FileKind] = {}

    def kind(self, path: Path, size: int, changed_ns: int) -> FileKind:
        """Return the type of a file with this size and time of change. Raises OSError."""
        key = hash((path, size, changed_ns))
        with self._lock:
            cached_kind = self._kinds.get(key)
        if cached_kind is None:
            cached_kind = kind_of(self._head(path))
            with self._lock:
                if len(self._kinds) >= _MOST_REMEMBERED:
                    self._kinds.clear()
                self._kinds[key] = cached_kind
        return cached_kind
