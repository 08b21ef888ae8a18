"""Levels that may be served as the file's own compressed tiles."""

from __future__ import annotations

import numpy as np

from pathviewer.slides.dicom_tiles import dicom_levels
from pathviewer.slides.errors import TileDamaged
from pathviewer.slides.geometry import Region
from pathviewer.slides.jpeg_pixels import Pixels, decode_tile
from pathviewer.slides.raw_tiles import RawLevel, tiff_levels
from pathviewer.slides.slide import Slide

_SHIFTED_LIMIT = 4.0
"""Mean difference allowed, of 255, where OpenSlide may read with a shift of part of a pixel."""


def passthrough_levels(slide: Slide) -> dict[int, RawLevel]:
    """Return the native levels whose own tiles show exactly what OpenSlide shows, by index."""
    levels = dicom_levels(slide) if slide.vendor == "dicom" else tiff_levels(slide)
    return {index: raw for index, raw in levels.items() if _agrees(slide, index, raw)}


def _agrees(slide: Slide, level: int, raw: RawLevel) -> bool:
    """Return whether the level's first tile equals OpenSlide's pixels there."""
    first = next((index for index, count in enumerate(raw.counts) if count), None)
    if first is None:
        return False
    row, column = divmod(first, raw.columns)
    native = slide.levels[level]
    try:
        tile = raw.read(column, row, slide.name)
        pixels = _decoded(tile, native.tile_size)
        if pixels is None:
            return False
        height, width = pixels.shape[:2]
        l_x, l_y = column * width, row * height
        size = min(width, native.width - l_x), min(height, native.height - l_y)
        expected = slide.read(level, Region(l_x, l_y, *size))
    except TileDamaged:
        # left to OpenSlide, which reports where the damage is
        return False
    drawn = pixels[: size[1], : size[0], :3].astype(np.int16)
    difference = float(np.abs(drawn - expected[..., :3]).mean())
    return difference <= (0.0 if first == 0 else _SHIFTED_LIMIT)


def _decoded(tile: bytes | None, size: tuple[int, int] | None) -> Pixels | None:
    return None if tile is None or size is None else decode_tile(tile, size, colours="BGRX")
