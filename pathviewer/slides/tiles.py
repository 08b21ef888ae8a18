"""Tiles of an open slide as JPEG: the file's own where it has them, made anew elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import simplejpeg
from PIL import Image

from pathviewer.slides.errors import SlideGone, TileDamaged, TileNotFound
from pathviewer.slides.geometry import Level, Region, tile_box
from pathviewer.slides.jpeg_pixels import Pixels, decode_tile
from pathviewer.slides.passthrough import passthrough_levels
from pathviewer.slides.raw_tiles import RawLevel
from pathviewer.slides.slide import Slide
from pathviewer.slides.steps import Step, steps_of
from pathviewer.slides.tile_cache import Tile, TileCache


@dataclass(frozen=True)
class Piece:
    """A decoded part of a level."""

    pixels: Pixels
    """(height, width, 3) RGB."""

    damaged: bool = False
    """Whether any of it is grey stripes, because that could not be read."""

    lost: TileDamaged | None = None
    """Why all of it is grey stripes, `None` if something could be read."""


class TileSource:
    """The tiles of an open slide; safe between threads.

    Level 0 is the finest. In-between levels halve what lies above them until the whole slide
    fits one tile.
    """

    def __init__(self, slide: Slide, quality: int, cache: TileCache) -> None:
        """`quality` is that of tiles encoded anew, 1 to 100; `cache` keeps those.

        Raises SlideGone when the file has just been deleted.
        """
        self.slide = slide
        self._quality = quality
        self._cache = cache
        self.identity = _identity(slide)
        self._steps = tuple(steps_of(slide.levels, passthrough_levels(slide)))
        self.levels: tuple[Level, ...] = tuple(step.level for step in self._steps)
        # (columns, rows, raw) at hand for the event loop
        self._grids = [(step.level.columns, step.level.rows, step.raw) for step in self._steps]

    def warm_raw(self, level: int, column: int, row: int) -> bytearray | None:
        """A tile of the file's own that can be had without waiting for a disk, else `None`.

        Raises TileNotFound.
        """
        columns, rows, raw = self._grid(level)
        if not (0 <= column < columns and 0 <= row < rows):
            tile_box(self.levels[level], column, row)
        return None if raw is None else raw.read_warm(row * columns + column)

    def warm_made(self, level: int, column: int, row: int) -> bytes | bytearray | None:
        """A tile that was decoded and encoded anew, if it is still held, else `None`."""
        tile = self._cache.get((self.identity, level, column, row))
        return None if tile is None else tile.jpeg

    def is_joined(self, level: int) -> bool:
        """Whether the level's tiles are put together from finer ones. Raises TileNotFound."""
        self._grid(level)
        return self._steps[level].native is None

    def tile(self, level: int, column: int, row: int) -> Tile:
        """Any tile of the slide.

        Raises TileNotFound, TileDamaged or SlideGone.
        """
        _, _, raw = self._grid(level)
        tile_box(self.levels[level], column, row)
        if raw is not None:
            jpeg = raw.read(column, row, self.slide.name)
            if jpeg is not None:
                return Tile(jpeg, "raw")
        key = self.identity, level, column, row
        return self._cache.get_or_make(key, lambda: self._make(level, column, row))

    def joined(self, level: int, columns: range, rows: range, factor: int = 1) -> Piece:
        """Tiles of a level side by side, `factor` x `factor` pixels averaged to one.

        Stripes stand for tiles that cannot be read. Raises TileDamaged if none can be, and
        SlideGone.
        """
        shape = self.levels[level]
        wide, high = shape.tile_width // factor, shape.tile_height // factor
        width = -(-shape.width // factor) - columns.start * wide
        height = -(-shape.height // factor) - rows.start * high
        size = min(height, len(rows) * high), min(width, len(columns) * wide), 3
        pixels = np.full(size, self.slide.background, np.uint8)
        pieces = []
        for row in rows:
            for column in columns:
                piece = self._piece(level, column, row, factor)
                top, left = (row - rows.start) * high, (column - columns.start) * wide
                part = pixels[top : top + high, left : left + wide]
                part[:] = piece.pixels[: part.shape[0], : part.shape[1]]
                pieces.append((piece.damaged, piece.lost))
        lost = [error for _, error in pieces if error is not None]
        if len(lost) == len(pieces):
            raise lost[0]
        return Piece(pixels, any(damaged for damaged, _ in pieces))

    def _grid(self, level: int) -> tuple[int, int, RawLevel | None]:
        if not 0 <= level < len(self._grids):
            raise TileNotFound(
                f"Slide {self.slide.name} has no level {level}: it has levels 0 to "
                f"{len(self._grids) - 1}."
            )
        return self._grids[level]

    def _make(self, level: int, column: int, row: int) -> Tile:
        step = self._steps[level]
        if step.native is not None:
            box = tile_box(step.level, column, row)
            return Tile(self._encode(self.slide.read(step.native, box), "BGRX"), "transcoded")
        finer = self.levels[step.source]
        columns = _under(step, column, finer.columns)
        piece = self.joined(step.source, columns, _under(step, row, finer.rows), step.factor)
        return Tile(self._encode(piece.pixels, "RGB"), "transcoded", piece.damaged)

    def _encode(self, pixels: Pixels, colours: str) -> bytes:
        # H&E has its detail in the colours, so they are kept at full resolution
        encoded: bytes = simplejpeg.encode_jpeg(
            pixels, self._quality, colours, "444", fastdct=False
        )
        return encoded

    def _piece(self, level: int, column: int, row: int, factor: int) -> Piece:
        """A tile's part inside its level, reduced, or stripes."""
        step = self._steps[level]
        box = tile_box(step.level, column, row)
        exact = box.width % factor == 0 and box.height % factor == 0
        try:
            tile = self._encoded(step, level, column, row)
            by = factor if exact else 1
            pixels = None if tile is None else self._decoded(step, box, tile, by)
            if tile is not None and pixels is not None:
                pixels = pixels if exact else _averaged(pixels, factor)
                return Piece(pixels, tile.damaged)
            if step.native is None:
                raise TileDamaged(f"A tile of slide {self.slide.name} cannot be decoded.")
            return Piece(_averaged(self.slide.read(step.native, box)[..., 2::-1], factor))
        except TileDamaged as error:
            size = -(-box.width // factor), -(-box.height // factor)
            return Piece(_damage_mark(*size), damaged=True, lost=error)

    def _encoded(self, step: Step, level: int, column: int, row: int) -> Tile | None:
        """A tile that there is as JPEG, `None` if it is to be read by OpenSlide."""
        if step.native is None:
            return self.tile(level, column, row)
        jpeg = None if step.raw is None else step.raw.read(column, row, self.slide.name)
        return None if jpeg is None else Tile(jpeg, "raw")

    def _decoded(self, step: Step, box: Region, tile: Tile, factor: int) -> Pixels | None:
        """The pixels of a tile inside its level at 1/factor, `None` if it is damaged."""
        whole = step.level.tile_width, step.level.tile_height
        size = whole if tile.source == "raw" else (box.width, box.height)
        pixels = decode_tile(tile.jpeg, size, factor=factor)
        return None if pixels is None else pixels[: box.height // factor, : box.width // factor]


def _identity(slide: Slide) -> tuple[str, int, int, int]:
    """What changes when another file takes the place of this one."""
    try:
        status = slide.path.stat()
    except OSError as error:
        raise SlideGone(f"The file of slide {slide.name} is no longer there.") from error
    return str(slide.path), status.st_ino, status.st_size, status.st_mtime_ns


def _under(step: Step, place: int, finer: int) -> range:
    """The columns or rows of the finer step, which has so many, under one of this step."""
    return range(place * step.factor, min((place + 1) * step.factor, finer))


def _averaged(pixels: Pixels, factor: int) -> Pixels:
    """Blocks of `factor` x `factor` pixels as their means; those at the edge may be smaller."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(factor))


def _damage_mark(width: int, height: int) -> Pixels:
    """Grey stripes in place of what cannot be read."""
    y, x = np.ogrid[:height, :width]
    grey = np.where((x + y) // 4 % 2 == 0, 96, 160).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
