"""Thumbnails of slides, made from tiles that the viewer requests as well."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from pathviewer.slides.geometry import Level, Region
from pathviewer.slides.tiles import Parts, TileSource


def thumbnail_level(levels: Sequence[Level], size: int) -> int:
    """Index of the coarsest level whose longer side has at least `size` pixels, else the finest."""
    large = [i for i, level in enumerate(levels) if max(level.width, level.height) >= size]
    return max(large, default=0)


def thumbnail(
    source: TileSource, size: int, parts: Parts | None = None, pixel_aspect: float = 1.0
) -> Image.Image:
    """Return the whole slide as RGB, its longer side at most `size` pixels and never enlarged.

    `pixel_aspect` is the height of a level-0 pixel over its width. `parts` are the tiles of
    `thumbnail_level` if the file does not have that level; without them they are made. Grey stripes
    replace unreadable tiles. Raises TileDamaged if all are unreadable, and SlideGone.
    """
    index = thumbnail_level(source.levels, size)
    level = source.levels[index]
    piece = source.join_tiles(index, range(level.columns), range(level.rows), parts=parts)
    finest = source.levels[0]
    # a level's edge may differ from the slide's by up to a pixel
    right = min(float(level.width), finest.width / level.downsample.x)
    bottom = min(float(level.height), finest.height / level.downsample.y)
    image = Image.fromarray(piece.pixels)
    return image.resize(
        _shape(finest, size, pixel_aspect), Image.Resampling.LANCZOS, (0.0, 0.0, right, bottom)
    )


def coarse_thumbnail(
    source: TileSource, size: int, seconds: float, pixel_aspect: float = 1.0
) -> Image.Image:
    """Sample a thumbnail within about `seconds`, for slides too large to be read in full.

    Raises TileDamaged if no sample can be read, and SlideGone.
    """
    index = thumbnail_level(source.levels, size)
    level = source.levels[index]
    box = Region(0, 0, level.width, level.height)
    shape = _shape(source.levels[0], size, pixel_aspect)
    piece = source.draw_coarse(index, box, shape, seconds)
    return Image.fromarray(piece.pixels)


def _shape(finest: Level, size: int, pixel_aspect: float) -> tuple[int, int]:
    """Return (width, height) of a picture with square pixels, neither axis enlarged."""
    coarser = max(1.0, pixel_aspect)
    width, height = finest.width / coarser, finest.height * pixel_aspect / coarser
    scale = min(1.0, size / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
