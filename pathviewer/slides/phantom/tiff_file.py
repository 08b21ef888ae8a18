"""Writer of tiled JPEG BigTIFF with tiles in any order.

tifffile writes JPEG only with imagecodecs installed and only in a page's own order, but phantom
tiles are drawn block by block, for three levels at once. The layout is TIFF 6.0 with the BigTIFF
header and tag sizes (libtiff's specification).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_SHORT, _LONG, _RATIONAL, _ASCII, _LONG8 = 3, 4, 5, 2, 16
_FORMATS = {_SHORT: "H", _LONG: "I", _RATIONAL: "I", _LONG8: "Q"}
_FIRST_PAGE_FIELD = 8
_JPEG, _YCBCR, _CONTIGUOUS, _CENTIMETRE, _REDUCED = 7, 6, 1, 3, 1

Tag = tuple[int, int, bytes, int]
"""Number, type, packed value and count."""


@dataclass(frozen=True)
class Page:
    """One level; its tiles are recorded as they are written."""

    width: int
    """Pixels."""

    height: int
    """Pixels."""

    tile: int
    """Side of a tile, pixels."""

    mpp: float
    """Microns per pixel of this level."""

    description: str
    """ImageDescription, where scanners store their metadata."""

    offsets: NDArray[np.uint64] = field(init=False)
    """(rows, columns) offset of each tile in the file."""

    counts: NDArray[np.uint32] = field(init=False)
    """(rows, columns) length of each tile in bytes."""

    def __post_init__(self) -> None:
        shape = (-(-self.height // self.tile), -(-self.width // self.tile))
        object.__setattr__(self, "offsets", np.zeros(shape, np.uint64))
        object.__setattr__(self, "counts", np.zeros(shape, np.uint32))


class PyramidFile:
    """A BigTIFF being written; `finish` makes it readable."""

    def __init__(self, stream: BinaryIO, pages: Sequence[Page]) -> None:
        self._stream, self._pages = stream, pages
        stream.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))

    def add_tile(self, level: int, column: int, row: int, jpeg: bytes) -> None:
        """Append a tile, a complete JPEG in YCbCr with 4:4:4; one outside its level is dropped."""
        page = self._pages[level]
        if row < page.counts.shape[0] and column < page.counts.shape[1]:
            page.offsets[row, column] = self._stream.tell()
            page.counts[row, column] = len(jpeg)
            self._stream.write(jpeg)

    def finish(self) -> None:
        """Write the directory of every page, in order."""
        link = _FIRST_PAGE_FIELD
        for index, page in enumerate(self._pages):
            link = self._write_page(page, reduced=index > 0, link=link)

    def _write_page(self, page: Page, *, reduced: bool, link: int) -> int:
        """Write a directory and set `link` to it; return the position of the next link."""
        entries = b""
        for number, kind, value, count in sorted(_tags(page, reduced)):
            if len(value) > 8:
                place = self._append(value)
                value = struct.pack("<Q", place)
            entries += struct.pack("<HHQ", number, kind, count) + value.ljust(8, b"\0")
        start = self._append(struct.pack("<Q", len(entries) // 20) + entries + bytes(8))
        self._stream.seek(link)
        self._stream.write(struct.pack("<Q", start))
        self._stream.seek(0, 2)
        return self._stream.tell() - 8

    def _append(self, data: bytes) -> int:
        """Write at the next multiple of 8; return that offset."""
        self._stream.write(bytes(-self._stream.tell() % 8))
        place = self._stream.tell()
        self._stream.write(data)
        return place


def _tags(page: Page, reduced: bool) -> list[Tag]:
    per_centimetre = round(1e4 / page.mpp * 1000)
    text = page.description.encode("ascii") + b"\0"
    return [
        _numbers(254, _LONG, _REDUCED if reduced else 0),
        _numbers(256, _LONG, page.width),
        _numbers(257, _LONG, page.height),
        _numbers(258, _SHORT, 8, 8, 8),
        _numbers(259, _SHORT, _JPEG),
        _numbers(262, _SHORT, _YCBCR),
        (270, _ASCII, text, len(text)),
        _numbers(277, _SHORT, 3),
        _numbers(282, _RATIONAL, per_centimetre, 1000),
        _numbers(283, _RATIONAL, per_centimetre, 1000),
        _numbers(284, _SHORT, _CONTIGUOUS),
        _numbers(296, _SHORT, _CENTIMETRE),
        _numbers(322, _LONG, page.tile),
        _numbers(323, _LONG, page.tile),
        (324, _LONG8, page.offsets.astype("<u8").tobytes(), page.offsets.size),
        (325, _LONG, page.counts.astype("<u4").tobytes(), page.counts.size),
        _numbers(530, _SHORT, 1, 1),
    ]


def _numbers(tag: int, kind: int, *values: int) -> Tag:
    packed = struct.pack(f"<{len(values)}{_FORMATS[kind]}", *values)
    return tag, kind, packed, len(values) // (2 if kind == _RATIONAL else 1)
