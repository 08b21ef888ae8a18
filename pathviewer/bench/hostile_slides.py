"""Small files that make readers allocate or compute far more than they hold, for servers on
loopback.

Each has a few kilobytes and has ended or blocked a program that opened it in its own process. No
product code imports this module.
"""

from __future__ import annotations

import sqlite3
import struct
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import simplejpeg
from pydicom.uid import JPEGBaseline8Bit

from pathviewer.slides.encoded_dicom import write_encoded_dicom

_SHORT, _LONG, _LONG8 = 3, 4, 16
_CODES = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}
_SUB_IFDS = 330

_OUTSIDE = b"""\
[Virtual Microscope Specimen]
NoLayers=1
NoJpegColumns=1
NoJpegRows=100000000
ImageFile=../outside.jpg
MapFile=../outside.jpg
MacroImage=../outside.jpg
SourceLens=20
"""
"""A Hamamatsu VMS by content: it names pictures outside its folder, and so many that OpenSlide,
where the first one exists, takes seconds and a gigabyte to count them."""
_PIXEL_DATA, _ITEM = b"\xe0\x7f\x10\x00OB", b"\xfe\xff\x00\xe0"
_BEYOND = 2**24
"""An offset beyond the end of the file, bytes."""

Tags = Mapping[int, tuple[int, Sequence[int]]]
"""(type, values) of each TIFF tag."""


def hostile_slides() -> dict[str, bytes]:
    """Return the content of each file by name."""
    return {
        "count.tif": _page(_jpeg(), 256, bytes_of_tile=2**62),
        "offset.tif": _page(_jpeg(), 256, offset=2**63 - 512),
        "huge-tile.tif": _page(zlib.compress(bytes(2**20)), 120_000, compression=8),
        "giant-jpeg.tif": _page(_jpeg(claimed=65_500), 256),
        "sub-ifds.tif": _fan_out(depth=60),
        "endless.svslide": _endless_view(),
        "offset-table.dcm": _false_offset_table(),
        "outside.tif": _OUTSIDE,
    }


def _jpeg(claimed: int | None = None) -> bytes:
    """Return a grey tile of 256 px; its header may claim another side."""
    jpeg = bytes(simplejpeg.encode_jpeg(np.full((256, 256, 3), 128, np.uint8), 75, "RGB", "420"))
    if claimed is None:
        return jpeg
    frame = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:frame] + claimed.to_bytes(2) * 2 + jpeg[frame + 4 :]


def _tags(tile: int, compression: int) -> dict[int, tuple[int, Sequence[int]]]:
    """Return the tags of a page of one square tile."""
    return {
        256: (_LONG, [tile]),
        257: (_LONG, [tile]),
        258: (_SHORT, [8, 8, 8]),
        259: (_SHORT, [compression]),
        262: (_SHORT, [6 if compression == 7 else 2]),
        277: (_SHORT, [3]),
        284: (_SHORT, [1]),
        322: (_LONG, [tile]),
        323: (_LONG, [tile]),
    }


def _page(
    data: bytes,
    tile: int,
    *,
    compression: int = 7,
    offset: int | None = None,
    bytes_of_tile: int | None = None,
) -> bytes:
    """Return a BigTIFF of one tile, optionally with a false offset and length."""
    tags = _tags(tile, compression)
    tags[324] = (_LONG8, [16 if offset is None else offset])
    tags[325] = (_LONG8, [len(data) if bytes_of_tile is None else bytes_of_tile])
    start = 16 + len(data) + -len(data) % 8
    head = struct.pack("<2sHHHQ", b"II", 43, 8, 0, start)
    return (head + data).ljust(start, b"\0") + _directory(tags, start)


def _directory(tags: Tags, start: int, following: int = 0) -> bytes:
    """Return a BigTIFF directory for byte `start`; longer values follow it."""
    entries, values = b"", b""
    values_start = start + 8 + 20 * len(tags) + 8
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = struct.pack(f"<{len(numbers)}{_CODES[kind]}", *numbers)
        inline = packed.ljust(8, b"\0")
        if len(packed) > 8:
            inline = struct.pack("<Q", values_start + len(values))
            values += packed.ljust(len(packed) + -len(packed) % 8, b"\0")
        entries += struct.pack("<HHQ", tag, kind, len(numbers)) + inline
    return struct.pack("<Q", len(tags)) + entries + struct.pack("<Q", following) + values


def _fan_out(depth: int) -> bytes:
    """Return directories that each reference the next one twice: 2 to the power of `depth`
    paths."""
    data = _jpeg()
    start = 16 + len(data) + -len(data) % 8
    base = _tags(256, 7) | {324: (_LONG8, [16]), 325: (_LONG8, [len(data)])}
    size = len(_directory(base | {_SUB_IFDS: (_LONG8, [0, 0])}, 0))
    body = (struct.pack("<2sHHHQ", b"II", 43, 8, 0, start) + data).ljust(start, b"\0")
    for level in range(depth):
        following = start + (level + 1) * size
        body += _directory(base | {_SUB_IFDS: (_LONG8, [following, following])}, len(body))
    return body + _directory(base, len(body))


def _false_offset_table() -> bytes:
    """Return a DICOM of 512 px with four tiles, of which the offset table puts the third beyond the
    file's end and so after the fourth; libdicom takes the difference for the third one's length and
    ends the process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "offset-table.dcm"
        write_encoded_dicom(
            path, [_jpeg()] * 4, (512, 512), 256, syntax=JPEGBaseline8Bit, colour="YBR_FULL_422"
        )
        content = path.read_bytes()
    length = content.index(_ITEM, content.index(_PIXEL_DATA)) + len(_ITEM)
    third = length + 4 * (1 + 2)  # after the table's length and two offsets
    return content[:third] + struct.pack("<I", _BEYOND) + content[third + 4 :]


def _endless_view() -> bytes:
    """Return an SQLite file whose first table, as queried for Sakura slides, never ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "endless.svslide"
        database = sqlite3.connect(path)
        database.execute(
            "CREATE VIEW DataManagerSQLiteConfigXPO AS WITH RECURSIVE numbers(x) AS "
            "(SELECT 1 UNION ALL SELECT x + 1 FROM numbers) "
            "SELECT count(*) AS TableName FROM numbers"
        )
        database.commit()
        database.close()
        return path.read_bytes()
