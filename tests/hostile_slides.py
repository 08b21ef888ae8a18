"""Small slides that end or occupy whatever opens them. Only for readers, never for this process."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import simplejpeg

from tests.raw_tiff import LONG, LONG8, SHORT, tiled_page, write_big_tiff


def write_crash(path: Path) -> Path:
    """OpenSlide opens it, and ends the process when it reads the first tile.

    The tile claims 2^62 bytes, more than there can be, and GLib aborts where memory runs out.
    """
    page = tiled_page(64, 64, 64, tag_324=(LONG8, [16]), tag_325=(LONG8, [2**62]))
    return write_big_tiff(path, [page], bytes(64))


def write_endless(path: Path) -> Path:
    """OpenSlide never ends opening it: a SQLite view that computes for ever (Sakura's format)."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE VIEW DataManagerSQLiteConfigXPO AS WITH RECURSIVE n(i) AS "
            "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS TableName FROM n"
        )
    database.close()
    return path


def write_fan(path: Path, depth: int = 60) -> Path:
    """A sound slide whose sub-pages fan out: following each reference takes 2^depth steps."""
    grey = np.full((64, 64, 3), 120, np.uint8)
    jpeg = bytes(simplejpeg.encode_jpeg(grey, 90, "RGB", "444"))
    first = tiled_page(64, 64, 64, tag_324=(LONG8, [16]), tag_325=(LONG8, [len(jpeg)]))
    page_bytes = 8 + 20 * 4 + 8 + 16
    start = 16 + len(jpeg) + (-(16 + len(jpeg)) % 8)
    pages_at = [start + page_bytes * number for number in range(depth)]
    body = jpeg + bytes(start - 16 - len(jpeg))
    for number in range(depth):
        following = pages_at[min(number + 1, depth - 1)]
        body += _sub_page(pages_at[number], [following, following])
    tags = dict(first) | {330: (LONG8, [pages_at[0], pages_at[0]])}
    return write_big_tiff(path, [tags], body)


def _sub_page(place: int, references: list[int]) -> bytes:
    import struct

    values_at = place + 8 + 20 * 4 + 8
    entries = struct.pack("<HHQQ", 256, LONG, 1, 1) + struct.pack("<HHQQ", 257, LONG, 1, 1)
    entries += struct.pack("<HHQQ", 258, SHORT, 1, 8)
    entries += struct.pack("<HHQQ", 330, LONG8, len(references), values_at)
    return struct.pack("<Q", 4) + entries + struct.pack("<QQQ", 0, *references)
