"""Compressed tiles of TIFF files that a browser can decode, read unchanged."""

from __future__ import annotations

import os
import weakref
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from pathviewer.slides import user_messages
from pathviewer.slides.errors import TileDamaged
from pathviewer.slides.formats.tiff_pages import MOST_PAGES, UNREADABLE_TIFF
from pathviewer.slides.jpeg_header import SOI, TileHeader, read_tile_header, tile_prefix
from pathviewer.slides.level_geometry import NativeLevel
from pathviewer.slides.slide import Slide

_VENDORS = {"aperio", "generic-tiff", "philips"}
"""Formats in which a level's pixels are the tiles of one page, side by side."""

_HEADER_BYTES = 4096
"""Bytes read of a tile for its JPEG header."""

_MOST_TILE_BYTES = 16 * 2**20
"""A longer tile means a damaged index: the largest possible one has 12 MiB of pixels."""

MOST_TILES = 4_000_000
"""Most tiles of a level whose offsets are held in memory, at 16 bytes each."""

_DCT = 8
"""Divisor of tile sides, so that tiles decoded at 1/8 join without a seam."""

_LARGEST_TILE = 2048
"""Longest side of tiles served unchanged, in pixels."""


class RawFile:
    """A file descriptor shared by threads, closed with the last reference to this object.

    Reads still work after the file was deleted.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`. Raises OSError."""
        self.path = path
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self.fd)
        self.warm_flag = getattr(os, "RWF_NOWAIT", 0)

    def drop_outside(self, offsets: array[int], counts: array[int]) -> None:
        """Set the count to 0 for tiles outside the file or longer than any tile.

        The index is not trusted, so that no read fails or takes unbounded memory. Raises OSError.
        """
        starts, lengths = np.frombuffer(offsets, np.uint64), np.frombuffer(counts, np.uint64)
        size = np.uint64(os.fstat(self.fd).st_size)
        inside = (starts <= size) & (lengths <= size - np.minimum(starts, size))
        lengths[~inside | (lengths > _MOST_TILE_BYTES)] = 0

    def first_bytes(self, offsets: array[int], counts: array[int]) -> bytes | None:
        """Return the start of the first tile, for its header; `None` if there is no tile.

        Drops tiles outside the file first. Raises OSError.
        """
        self.drop_outside(offsets, counts)
        first = next((index for index, count in enumerate(counts) if count), None)
        if first is None:
            return None
        return os.pread(self.fd, min(_HEADER_BYTES, counts[first]), offsets[first])


@dataclass(frozen=True)
class RawLevel:
    """Offsets of a level's compressed tiles; a tile is `prefix` + its bytes after `SOI`."""

    file: RawFile
    """Open while this level is in use."""

    prefix: bytes
    """`SOI`, and the markers and tables that every tile lacks."""

    header: TileHeader
    """Header that a tile must match to be served unchanged."""

    columns: int
    """Number of tile columns."""

    offsets: array[int]
    """First byte of each tile in the file, row by row."""

    counts: array[int]
    """Bytes of each tile, all in the file; 0 for tiles that cannot be served unchanged."""

    def covers(self, columns: int, rows: int) -> bool:
        """Return whether the file has all tiles of a grid; padding may add more."""
        return columns <= self.columns and rows * self.columns <= len(self.counts)

    def read(self, column: int, row: int, name: str) -> bytes | None:
        """Return a tile as a JPEG stream, `None` if it cannot be served unchanged.

        Raises TileDamaged, which names the slide `name`, if the file is too short or has no JPEG
        there.
        """
        index = row * self.columns + column
        count = self.counts[index]
        if count == 0:
            return None
        try:
            data = os.pread(self.file.fd, count, self.offsets[index])
        except OSError:
            data = b""
        if len(data) < count or data[:2] != SOI:
            raise damaged_tile(name, column, row)
        return self.prefix + data[2:] if self.header.allows(data) else None

    def read_warm(self, index: int) -> bytearray | None:
        """Return a tile, by its index in `offsets`, if its bytes are in the system's cache.

        Never waits for a disk. `None` if it would have to wait, if the system cannot tell, and if
        `read` would not return a tile.
        """
        count, file, prefix = self.counts[index], self.file, self.prefix
        if not count or not file.warm_flag:
            return None
        start = len(prefix) - 2
        tile = bytearray(start + count)
        room = (memoryview(tile)[start:],)
        try:
            got = os.preadv(file.fd, room, self.offsets[index], file.warm_flag)
        except BlockingIOError:
            return None
        except OSError:
            # this file system does not support it, now or later
            file.warm_flag = 0
            return None
        if got < count or not self.header.allows(tile, start):
            return None
        tile[: start + 2] = prefix
        return tile


def damaged_tile(name: str, column: int, row: int) -> TileDamaged:
    """Return the error for a tile whose bytes are missing."""
    return TileDamaged(user_messages.tile_damaged(column, row, name))


def tiff_levels(slide: Slide) -> dict[int, RawLevel]:
    """Return the levels of a TIFF slide whose tiles can be served unchanged, by level index.

    The caller must verify that the tiles show the same as OpenSlide.
    """
    if slide.vendor not in _VENDORS:
        return {}
    try:
        file = RawFile(slide.path)
        with tifffile.TiffFile(slide.path) as tiff:
            pages = list(_tiled_pages(tiff.pages, set()))
            raw_levels = {
                index: _raw_level(page, file)
                for index, page in _matches(pages, slide.levels)
                if _is_plain(page)
            }
    except UNREADABLE_TIFF:
        # a file that only OpenSlide reads is served through OpenSlide
        return {}
    return {index: level for index, level in raw_levels.items() if level is not None}


def _tiled_pages(pages: tifffile.TiffPages, visited: set[int]) -> Iterator[tifffile.TiffPage]:
    """Yield tiled pages and those beneath them, each once; `visited` holds their offsets.

    A small file may refer to the same pages so often that following them never ends.
    """
    for page in pages:
        if not isinstance(page, tifffile.TiffPage) or page.offset in visited:
            continue
        if len(visited) >= MOST_PAGES:
            return
        visited.add(page.offset)
        if page.is_tiled:
            yield page
        if page.pages is not None:
            yield from _tiled_pages(page.pages, visited)


def _matches(
    pages: Sequence[tifffile.TiffPage], levels: Sequence[NativeLevel]
) -> Iterator[tuple[int, tifffile.TiffPage]]:
    """Yield levels with the tiled page of the same size, if that size is unique."""
    sizes = Counter((page.imagewidth, page.imagelength) for page in pages)
    level_sizes = Counter(level.stored for level in levels)
    for index, level in enumerate(levels):
        size = level.stored
        for page in pages:
            if (page.imagewidth, page.imagelength) == size and (
                sizes[size] == level_sizes[size] == 1
            ):
                yield index, page


def _is_plain(page: tifffile.TiffPage) -> bool:
    """Return whether the page's tiles are 8-bit JPEG of grey, RGB or YCbCr, side by side."""
    photometrics = {1: (1,), 3: (2, 6)}.get(page.samplesperpixel, ())
    return (
        page.compression == 7
        and page.bitspersample == 8
        and page.photometric in photometrics
        and page.planarconfig == 1
        and page.imagedepth == 1
        and is_tile_size(page.tilewidth, page.tilelength)
        and _tile_count(page) <= MOST_TILES
        and len(page.dataoffsets) == len(page.databytecounts) == _tile_count(page)
    )


def is_tile_size(width: int, height: int) -> bool:
    """Return whether tiles of this size may be served unchanged."""
    return all(0 < side <= _LARGEST_TILE and side % _DCT == 0 for side in (width, height))


def _tile_count(page: tifffile.TiffPage) -> int:
    columns = -(-page.imagewidth // page.tilewidth)
    rows = -(-page.imagelength // page.tilelength)
    return int(columns * rows)


def _raw_level(page: tifffile.TiffPage, file: RawFile) -> RawLevel | None:
    columns = -(-page.imagewidth // page.tilewidth)
    counts = array("Q", page.databytecounts)
    offsets = array("Q", page.dataoffsets)
    head = file.first_bytes(offsets, counts)
    tables = (page.jpegtables or b"")[2:-2]
    rgb = None if page.samplesperpixel == 1 else page.photometric == 2
    size = page.tilewidth, page.tilelength
    header = None if head is None else read_tile_header(head, rgb, size, tables)
    if header is None:
        return None
    drop_empty_edges(counts, columns)
    return RawLevel(file, tile_prefix(header, tables), header, columns, offsets, counts)


def drop_empty_edges(counts: array[int], columns: int) -> None:
    """Set the counts of the whole right or bottom edge to 0 if one of its tiles is empty.

    Scanners that omit edge tiles of a level write scrambled ones there too.
    """
    edges = (range(columns - 1, len(counts), columns), range(len(counts) - columns, len(counts)))
    barred = [edge for edge in edges if not all(counts[index] for index in edge)]
    for edge in barred:
        for index in edge:
            counts[index] = 0
