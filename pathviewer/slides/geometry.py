"""Rectangles, levels, and conversion between their coordinate frames.

A plain coordinate is in level-0 pixels; a name with the prefix `l_` is in the pixels of a level.
Level-0 (x, y) is at (x / downsample.x, y / downsample.y) of a level: both frames begin at the
slide's top left corner, and each axis has its own exact factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pathviewer.slides import user_messages
from pathviewer.slides.errors import RegionError, TileNotFound

_ROUNDING = 1e-6
"""Fraction of a level pixel attributed to division errors and ignored in rounding."""


@dataclass(frozen=True)
class Region:
    """A rectangle on a slide, in level-0 pixels."""

    x: int
    """Left edge; 0 is the slide's left edge."""

    y: int
    """Top edge; 0 is the slide's top edge."""

    width: int
    """Extent to the right."""

    height: int
    """Extent downwards."""


@dataclass(frozen=True)
class Downsample:
    """Level-0 pixels per pixel of a level, one factor for each axis."""

    x: float
    """Along a row."""

    y: float
    """Along a column."""

    @property
    def mean(self) -> float:
        """Mean of both axes; for choosing levels and for display, never for placing pixels."""
        return (self.x + self.y) / 2

    def times(self, factor: float) -> Downsample:
        """Return the downsample of a level that is `factor` times coarser."""
        return Downsample(self.x * factor, self.y * factor)


FULL = Downsample(1.0, 1.0)
"""Downsample of level 0."""


@dataclass(frozen=True)
class Level:
    """A pyramid step for which tiles are served."""

    width: int
    """In the level's own pixels."""

    height: int
    """In the level's own pixels."""

    downsample: Downsample
    """Level-0 pixels per pixel of the level."""

    tile_width: int
    """Width of a tile that does not touch the right edge, in the level's own pixels."""

    tile_height: int
    """Height of a tile that does not touch the bottom edge, in the level's own pixels."""

    native: bool
    """Whether the level is in the file; otherwise it is made from a finer one."""

    passthrough: bool
    """Whether tiles are the file's own compressed ones."""

    @property
    def columns(self) -> int:
        """Number of tile columns."""
        return -(-self.width // self.tile_width)

    @property
    def rows(self) -> int:
        """Number of tile rows."""
        return -(-self.height // self.tile_height)


def to_level(region: Region, downsample: Downsample) -> Region:
    """Convert a rectangle to the pixels of a level (`l_` frame), rounded outwards."""
    l_left = math.floor(region.x / downsample.x + _ROUNDING)
    l_top = math.floor(region.y / downsample.y + _ROUNDING)
    l_right = math.ceil((region.x + region.width) / downsample.x - _ROUNDING)
    l_bottom = math.ceil((region.y + region.height) / downsample.y - _ROUNDING)
    return Region(l_left, l_top, l_right - l_left, l_bottom - l_top)


def to_base(l_region: Region, downsample: Downsample) -> Region:
    """Convert a rectangle from level pixels (`l_` frame) to level-0 pixels, rounded outwards."""
    return to_level(l_region, Downsample(1.0 / downsample.x, 1.0 / downsample.y))


def clip_to(l_region: Region, width: int, height: int) -> Region:
    """Clip a rectangle to a level of this size, at least 1 x 1 pixels."""
    right = min(l_region.x + l_region.width, width)
    bottom = min(l_region.y + l_region.height, height)
    x, y = min(l_region.x, right - 1), min(l_region.y, bottom - 1)
    return Region(x, y, right - x, bottom - y)


def tile_box(level: Level, column: int, row: int) -> Region:
    """Return the part of a tile inside its level, in the level's pixels (`l_` frame).

    Raises TileNotFound if the level has no such column or row.
    """
    if not (0 <= column < level.columns and 0 <= row < level.rows):
        raise TileNotFound(user_messages.no_such_tile(column, row, level.columns, level.rows))
    l_x, l_y = column * level.tile_width, row * level.tile_height
    width = min(level.tile_width, level.width - l_x)
    height = min(level.tile_height, level.height - l_y)
    return Region(l_x, l_y, width, height)


def check_inside(region: Region, width: int, height: int) -> None:
    """Raise RegionError unless the region has an area and is inside a slide of this size."""
    if region.width < 1 or region.height < 1:
        raise RegionError(user_messages.region_without_area(region.width, region.height))
    right, bottom = region.x + region.width, region.y + region.height
    if region.x < 0 or region.y < 0 or right > width or bottom > height:
        raise RegionError(
            user_messages.region_leaves_slide(region.x, region.y, right, bottom, width, height)
        )


def picture_size(region: Region, max_pixels: int, pixel_aspect: float = 1.0) -> tuple[int, int]:
    """Return (width, height) of a region's picture with at most `max_pixels` square pixels.

    `pixel_aspect` is the height of a level-0 pixel over its width. Neither axis is enlarged. Raises
    RegionError if `max_pixels` is below 1.
    """
    coarser = max(1.0, pixel_aspect)
    width = max(1, round(region.width / coarser))
    height = max(1, round(region.height * pixel_aspect / coarser))
    return reduced_size(width, height, max_pixels)


def reduced_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """Return the largest (width, height) of the same shape with at most `max_pixels`, never
    enlarged.

    Raises RegionError if `max_pixels` is below 1.
    """
    if max_pixels < 1:
        raise RegionError(user_messages.max_pixels_too_small(max_pixels))
    if width * height <= max_pixels:
        return width, height
    scale = math.sqrt(max_pixels / (width * height))
    out_width = min(max(1, int(width * scale)), max_pixels)
    out_height = min(max(1, int(height * scale)), max_pixels // out_width)
    return out_width, max(1, out_height)
