"""TIFF files written tag by tag: odd ones, and vast ones that take little disk."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import simplejpeg

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, FLOAT, DOUBLE, LONG8 = 1, 2, 3, 4, 5, 7, 11, 12, 16
"""TIFF's types of values."""

_FORMATS = {SHORT: "H", LONG: "I", RATIONAL: "I", FLOAT: "f", DOUBLE: "d", LONG8: "Q"}
_COUNTED_BYTES = (BYTE, ASCII, UNDEFINED)

Values = Sequence[int] | Sequence[float] | bytes
"""Numbers, for RATIONAL numerators and denominators in turn; bytes for BYTE, ASCII, UNDEFINED."""

Tags = Mapping[int, tuple[int, Values]]
"""(type, values) by the number of the tag."""

_TILES, _STRIPS = (324, 325), (273, 279)
_SUB_IFDS = 330


@dataclass(frozen=True)
class Page:
    """A page of a TIFF file to be."""

    tags: Tags
    """All but those that say where the segments and the sub-pages lie."""

    segments: Sequence[bytes] = ()
    """Encoded tiles or strips, row by row; an empty one is a segment that the file lacks."""

    strips: bool = False
    """Whether the segments are strips."""

    subpages: Sequence[Page] = ()
    """Pages that only this page refers to."""


def write_tiff(
    path: Path, pages: Sequence[Page], *, order: Literal["<", ">"] = "<", big: bool = False
) -> Path:
    """A TIFF or BigTIFF of these pages, one after the other, in this byte order. Returns `path`."""
    file = _File(order, big)
    for page in pages:
        file.link = file.add(page, file.link)
    path.write_bytes(bytes(file.body))
    return path


class _File:
    """A TIFF file that grows page by page; equal segments are stored once."""

    def __init__(self, order: str, big: bool) -> None:
        self.order = order
        self.offset = "Q" if big else "I"
        self.count = "Q" if big else "H"
        self.body = bytearray({"<": b"II", ">": b"MM"}[order])
        self.body += self.pack("HHHQ", 43, 8, 0, 0) if big else self.pack("HI", 42, 0)
        self.link = 8 if big else 4
        """Where the place of the next page is to be written."""
        self._places: dict[bytes, int] = {}

    def pack(self, form: str, *values: float) -> bytes:
        """Values in the byte order of the file."""
        return struct.pack(self.order + form, *values)

    def add(self, page: Page, link: int) -> int:
        """Append a page whose place is written at `link`; where its successor's is to be."""
        tags = dict(page.tags) | self._segments(page)
        if page.subpages:
            tags[_SUB_IFDS] = (self._pointer, [0] * len(page.subpages))
        starts, end = self._directory(tags, link)
        width = struct.calcsize(self.offset)
        for index, subpage in enumerate(page.subpages):
            self.add(subpage, starts[_SUB_IFDS] + index * width)
        return end

    @property
    def _pointer(self) -> int:
        return LONG8 if self.offset == "Q" else LONG

    def _segments(self, page: Page) -> dict[int, tuple[int, Values]]:
        if not page.segments:
            return {}
        places = [self._place(segment) if segment else 0 for segment in page.segments]
        offsets, counts = _STRIPS if page.strips else _TILES
        lengths = [len(segment) for segment in page.segments]
        return {offsets: (self._pointer, places), counts: (self._pointer, lengths)}

    def _place(self, segment: bytes) -> int:
        if segment not in self._places:
            self._places[segment] = len(self.body)
            self.body += segment + b"\0" * (len(segment) % 2)
        return self._places[segment]

    def _directory(self, tags: Tags, link: int) -> tuple[dict[int, int], int]:
        """(place of each tag's values, place of the link to the next page)."""
        self.body += b"\0" * (-len(self.body) % 8)
        place, inline = len(self.body), struct.calcsize(self.offset)
        size = struct.calcsize(f"={self.count}") + len(tags) * (4 + 2 * inline)
        values_at = place + size + inline
        entries, values, starts = b"", b"", {}
        for number, (tag, (kind, given)) in enumerate(sorted(tags.items())):
            packed = self._packed(kind, given)
            count = len(given) if kind in _COUNTED_BYTES else len(given) // (1 + (kind == RATIONAL))
            entry_at = place + struct.calcsize(f"={self.count}") + number * (4 + 2 * inline)
            starts[tag], field = entry_at + 4 + inline, packed.ljust(inline, b"\0")
            if len(packed) > inline:
                starts[tag] = values_at + len(values)
                field = self.pack(self.offset, starts[tag])
                values += packed + b"\0" * (-len(packed) % 8)
            entries += self.pack(f"HH{self.offset}", tag, kind, count) + field
        self.body[link : link + inline] = self.pack(self.offset, place)
        self.body += self.pack(self.count, len(tags)) + entries + bytes(inline) + values
        return starts, place + size

    def _packed(self, kind: int, given: Values) -> bytes:
        if isinstance(given, bytes):
            return given
        return self.pack(f"{len(given)}{_FORMATS[kind]}", *given)


def tiled_page(width: int, height: int, tile: int) -> Tags:
    """The tags of an 8-bit YCbCr page in JPEG tiles, without where they are."""
    return {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [8, 8, 8]),
        259: (SHORT, [7]),
        262: (SHORT, [6]),
        277: (SHORT, [3]),
        284: (SHORT, [1]),
        322: (LONG, [tile]),
        323: (LONG, [tile]),
    }


def write_vast(path: Path, width: int, height: int, tile: int = 256) -> Path:
    """A slide of one level whose left half is dark and whose right half is light."""
    jpegs = [
        bytes(simplejpeg.encode_jpeg(np.full((tile, tile, 3), grey, np.uint8), 90, "RGB", "444"))
        for grey in (60, 200)
    ]
    columns, rows = -(-width // tile), -(-height // tile)
    line = [jpegs[0] if 2 * column < columns else jpegs[1] for column in range(columns)]
    return write_tiff(path, [Page(tiled_page(width, height, tile), line * rows)], big=True)
