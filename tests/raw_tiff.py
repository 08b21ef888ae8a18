"""TIFF files written tag by tag: vast ones that take little disk."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import simplejpeg

SHORT, LONG, LONG8 = 3, 4, 16
_FORMATS = {SHORT: "H", LONG: "I", LONG8: "Q"}

Tags = Mapping[int, tuple[int, Sequence[int]]]
"""(type, values) by the number of the tag."""


def write_big_tiff(path: Path, pages: Sequence[Tags], data: bytes = b"") -> Path:
    """A BigTIFF of these pages, one after the other; `data` begins at byte 16. Returns `path`."""
    body = bytearray(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0)) + data
    link = 8
    for tags in pages:
        body += b"\0" * (-len(body) % 8)
        place, entries, values = len(body), b"", b""
        values_at = place + 8 + 20 * len(tags) + 8
        for tag, (kind, numbers) in sorted(tags.items()):
            packed = struct.pack(f"<{len(numbers)}{_FORMATS[kind]}", *numbers)
            inline = packed.ljust(8, b"\0")
            if len(packed) > 8:
                inline = struct.pack("<Q", values_at + len(values))
                values += packed + b"\0" * (-len(packed) % 8)
            entries += struct.pack("<HHQ", tag, kind, len(numbers)) + inline
        body[link : link + 8] = struct.pack("<Q", place)
        link = values_at - 8
        body += struct.pack("<Q", len(tags)) + entries + struct.pack("<Q", 0) + values
    path.write_bytes(bytes(body))
    return path


def tiled_page(width: int, height: int, tile: int, **more: tuple[int, Sequence[int]]) -> Tags:
    """The tags of an 8-bit YCbCr page in JPEG tiles, without where they are; `more` as tag_N."""
    tags = {
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
    return tags | {int(name.removeprefix("tag_")): value for name, value in more.items()}


def write_vast(path: Path, width: int, height: int, tile: int = 256) -> Path:
    """A slide of one level whose left half is dark and whose right half is light."""
    jpegs = [
        bytes(simplejpeg.encode_jpeg(np.full((tile, tile, 3), grey, np.uint8), 90, "RGB", "444"))
        for grey in (60, 200)
    ]
    columns, rows = -(-width // tile), -(-height // tile)
    line = [16 if 2 * column < columns else 16 + len(jpegs[0]) for column in range(columns)]
    counts = [len(jpegs[0]) if place == 16 else len(jpegs[1]) for place in line]
    page = tiled_page(
        width, height, tile, tag_324=(LONG8, line * rows), tag_325=(LONG8, counts * rows)
    )
    return write_big_tiff(path, [page], b"".join(jpegs))
