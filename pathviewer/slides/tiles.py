"""JPEG tiles of an open slide: the file's own where possible, otherwise made from pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import simplejpeg
from PIL import Image

from pathviewer.slides import user_messages
from pathviewer.slides.coarse_picture import draw_samples
from pathviewer.slides.errors import SlideGone, TileDamaged, TileNotFound
from pathviewer.slides.file_stamp import FileStamp, stamp_file
from pathviewer.slides.geometry import Level, Region, tile_box
from pathviewer.slides.jpeg_pixels import Pixels, decode_tile
from pathviewer.slides.passthrough import passthrough_levels
from pathviewer.slides.served_levels import Step, base_of, steps_of
from pathviewer.slides.slide import Slide
from pathviewer.slides.tile_cache import Tile, TileCache

Parts = Mapping[tuple[int, int], Tile | TileDamaged]
"""Tiles of a level by (column, row), or why a tile cannot be read."""


_SAMPLE_FACTOR = 8
"""Samples are decoded at one eighth, the largest reduction of a JPEG decoder."""


@dataclass(frozen=True)
class Piece:
    """A decoded part of a level."""

    pixels: Pixels
    """(height, width, 3) RGB."""

    damaged: bool = False
    """Whether any part is grey stripes, because it could not be read."""

    error: TileDamaged | None = None
    """Why all of it is grey stripes, `None` if something could be read."""


class TileSource:
    """The tiles of an open slide; thread-safe.

    Level 0 is the finest. Each intermediate level halves the one before it, until the whole slide
    fits one tile.
    """

    def __init__(self, slide: Slide, quality: int, cache: TileCache) -> None:
        """Set the JPEG `quality` of re-encoded tiles, 1 to 100, and the `cache` for them.

        Raises SlideGone if the file has just been deleted.
        """
        self.slide = slide
        self._quality = quality
        self._cache = cache
        self._identity = _identity(slide)
        self.steps = tuple(steps_of(slide.levels, passthrough_levels(slide)))
        self.levels: tuple[Level, ...] = tuple(step.level for step in self.steps)

    def tile(self, level: int, column: int, row: int) -> Tile:
        """Return any tile of the slide.

        Raises TileNotFound, TileDamaged or SlideGone.
        """
        raw = self._step(level).raw
        tile_box(self.levels[level], column, row)
        if raw is not None:
            jpeg = raw.read(column, row, self.slide.name)
            if jpeg is not None:
                return Tile(jpeg, "raw")
        key = self._identity, level, column, row
        return self._cache.get_or_make(key, lambda: self.make(level, column, row))

    def make(self, level: int, column: int, row: int, parts: Parts | None = None) -> Tile:
        """Return a tile that is decoded and encoded here.

        `parts` are the tiles of the finer level from which it is made, if that is not a level of
        the file; without them they are made as well. Raises TileNotFound, TileDamaged or SlideGone.
        """
        step = self._step(level)
        box = tile_box(step.level, column, row)
        if step.native is not None:
            return Tile(self._encode(self.slide.read(step.native, box), "BGRX"), "transcoded")
        finer = self.levels[step.source]
        columns, rows = step.finer_tiles(column, row, finer)
        piece = self.join_tiles(step.source, columns, rows, step.factor, parts)
        return Tile(self._encode(piece.pixels, "RGB"), "transcoded", piece.damaged)

    def make_coarse(self, level: int, column: int, row: int, seconds: float) -> Tile:
        """Return a tile of a level missing in the file, sampled from a level of the file.

        Raises TileNotFound, TileDamaged or SlideGone.
        """
        l_box = tile_box(self._step(level).level, column, row)
        piece = self.draw_coarse(level, l_box, (l_box.width, l_box.height), seconds)
        return Tile(self._encode(piece.pixels, "RGB"), "transcoded", piece.damaged)

    def draw_coarse(
        self, level: int, l_box: Region, size: tuple[int, int], seconds: float
    ) -> Piece:
        """Return a box of a level (`l_` frame), sampled, as `size`, (width, height), pixels.

        Raises TileDamaged if no sample can be read, and SlideGone.
        """
        base, factor = base_of(self.steps, level)
        finest = self.levels[base]
        left, top = l_box.x * factor, l_box.y * factor
        right = min(finest.width, (l_box.x + l_box.width) * factor)
        bottom = min(finest.height, (l_box.y + l_box.height) * factor)
        box = Region(left, top, right - left, bottom - top)
        errors: list[TileDamaged] = []

        def sample(column: int, row: int) -> Pixels | None:
            piece = self._piece(base, column, row, _SAMPLE_FACTOR, None)
            if piece.error is not None:
                errors.append(piece.error)
                return None
            return piece.pixels

        pixels = draw_samples(finest, box, size, self.slide.background, sample, seconds)
        if pixels is None:
            raise errors[0]
        return Piece(pixels, bool(errors))

    def join_tiles(
        self,
        level: int,
        columns: range,
        rows: range,
        factor: int = 1,
        parts: Parts | None = None,
    ) -> Piece:
        """Join tiles of a level side by side, with `factor` x `factor` pixels averaged to one.

        `parts` are those tiles, if the file does not have the level; without them they are made.
        Stripes replace unreadable tiles. Raises TileDamaged if all are unreadable, and SlideGone.
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
                piece = self._piece(level, column, row, factor, parts)
                top, left = (row - rows.start) * high, (column - columns.start) * wide
                part = pixels[top : top + high, left : left + wide]
                part[:] = piece.pixels[: part.shape[0], : part.shape[1]]
                pieces.append((piece.damaged, piece.error))
        errors = [error for _, error in pieces if error is not None]
        if len(errors) == len(pieces):
            raise errors[0]
        return Piece(pixels, any(damaged for damaged, _ in pieces))

    def _step(self, level: int) -> Step:
        return step_at(self.steps, level, self.slide.name)

    def _encode(self, pixels: Pixels, colours: str) -> bytes:
        # full chroma resolution: colours carry the detail of H&E
        encoded: bytes = simplejpeg.encode_jpeg(
            pixels, self._quality, colours, "444", fastdct=False
        )
        return encoded

    def _piece(self, level: int, column: int, row: int, factor: int, parts: Parts | None) -> Piece:
        """Return a tile's part inside its level, reduced, or stripes."""
        step = self.steps[level]
        box = tile_box(step.level, column, row)
        exact = box.width % factor == 0 and box.height % factor == 0
        try:
            tile = self._read_jpeg(step, level, (column, row), parts)
            by = factor if exact else 1
            pixels = None if tile is None else self._decode_inside(step, box, tile, by)
            if tile is not None and pixels is not None:
                pixels = pixels if exact else _average_blocks(pixels, factor)
                return Piece(pixels, tile.damaged)
            if step.native is None:
                raise TileDamaged(user_messages.tile_undecodable(self.slide.name))
            return Piece(_average_blocks(self.slide.read(step.native, box)[..., 2::-1], factor))
        except TileDamaged as error:
            size = -(-box.width // factor), -(-box.height // factor)
            return Piece(_damage_mark(*size), damaged=True, error=error)

    def _read_jpeg(
        self, step: Step, level: int, place: tuple[int, int], parts: Parts | None
    ) -> Tile | None:
        """Return an existing JPEG tile, `None` if OpenSlide must read it."""
        if step.native is None:
            part = self.tile(level, *place) if parts is None else parts[place]
            if isinstance(part, TileDamaged):
                raise part
            return part
        jpeg = None if step.raw is None else step.raw.read(*place, self.slide.name)
        return None if jpeg is None else Tile(jpeg, "raw")

    def _decode_inside(self, step: Step, box: Region, tile: Tile, factor: int) -> Pixels | None:
        """Return a tile's pixels inside its level at 1/factor, `None` if it is damaged."""
        tile_size = step.level.tile_width, step.level.tile_height
        size = tile_size if tile.source == "raw" else (box.width, box.height)
        pixels = decode_tile(tile.jpeg, size, factor=factor)
        return None if pixels is None else pixels[: box.height // factor, : box.width // factor]


def step_at(steps: tuple[Step, ...], level: int, name: str) -> Step:
    """Return the level of this index. Raises TileNotFound, which names the slide `name`."""
    if not 0 <= level < len(steps):
        raise TileNotFound(user_messages.no_such_level(name, level, len(steps)))
    return steps[level]


def _identity(slide: Slide) -> FileStamp:
    stamp = stamp_file(slide.path)
    if stamp is None:
        raise SlideGone(user_messages.slide_file_gone(slide.name))
    return stamp


def _average_blocks(pixels: Pixels, factor: int) -> Pixels:
    """Average blocks of `factor` x `factor` pixels; blocks at the edge may be smaller."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(factor))


def _damage_mark(width: int, height: int) -> Pixels:
    """Return grey stripes, which replace unreadable pixels."""
    y, x = np.ogrid[:height, :width]
    grey = np.where((x + y) // 4 % 2 == 0, 96, 160).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
