"""File types by first bytes, whatever the file name; no more is read."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cachetools import LRUCache

FileKind = Literal["tiff", "dicom", "other"]
"""Formats that are slides under any name, or anything else."""

HEAD_BYTES = 512
"""Bytes needed for the file type; DICOM's mark is the farthest, at 128."""

_MOST_REMEMBERED = 100_000
_DICOM_MARK = 128

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

_CONVERT_PICTURE = "`vips tiffsave {} out.tif --tile --pyramid --compression jpeg` converts it"

_OTHERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (
        re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE),
        "is a web page, perhaps one that asks to log in, under the name of a slide: "
        "download the slide again",
    ),
    (
        re.compile(rb"version https://git-lfs"),
        "is a Git LFS pointer, not the slide itself: `git lfs pull` brings the slide",
    ),
    (re.compile(rb"PK(\x03\x04|\x05\x06)"), "is a zip archive: unpack it"),
    (re.compile(rb"\x1f\x8b"), "is compressed with gzip: unpack it"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c|Rar!"), "is an archive; unpack it to use the slide inside"),
    (re.compile(rb"%PDF"), "is a PDF document, not a slide"),
    (
        re.compile(rb"\xff\xd8\xff"),
        f"is a JPEG picture, not a slide: {_CONVERT_PICTURE.format('in.jpg')}",
    ),
    (
        re.compile(rb"\x89PNG\r\n"),
        f"is a PNG picture, not a slide: {_CONVERT_PICTURE.format('in.png')}",
    ),
    (
        re.compile(rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51"),
        f"is a JPEG 2000 picture: {_CONVERT_PICTURE.format('in.jp2')}",
    ),
    (
        re.compile(rb"<DataObject ObjectType=.DPUfsImport"),
        "is a Philips iSyntax file: `isyntax-to-tiff in.isyntax out.tiff` of libisyntax converts "
        "it",
    ),
    (re.compile(rb"\x00+$"), "starts with zeros only: the copy is incomplete; copy it again"),
)
"""First bytes of other files found among slides, each with the end of a sentence."""


def kind_of(head: bytes) -> FileKind:
    """Return the type of a file that begins with `head`."""
    if head.startswith(_TIFF):
        return "tiff"
    return "dicom" if head[_DICOM_MARK : _DICOM_MARK + 4] == b"DICM" else "other"


def fault_of(head: bytes) -> str | None:
    """Return why a file that begins with `head` is not a slide, with a remedy.

    The result is the end of a sentence; `None` if the reason is unknown.
    """
    if not head:
        return "is empty: copy it again"
    return next((fault for pattern, fault in _OTHERS if pattern.match(head)), None)


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


@dataclass(frozen=True)
class _Key:
    path: Path
    size: int
    changed_ns: int


class FirstBytes:
    """Cache of file types by path, size and time of change; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: LRUCache[_Key, FileKind] = LRUCache(_MOST_REMEMBERED)

    def kind(self, path: Path, size: int, changed_ns: int) -> FileKind:
        """Return the type of a file with this size and time of change. Raises OSError."""
        key = _Key(path, size, changed_ns)
        with self._lock:
            cached_kind = self._kinds.get(key)
        if cached_kind is None:
            cached_kind = kind_of(head_of(path))
            with self._lock:
                self._kinds[key] = cached_kind
        return cached_kind
