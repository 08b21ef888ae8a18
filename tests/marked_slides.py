"""Slides with marks at known level-0 places, and pyramids as scanners round and pad them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests import dicom_files, slide_files

SIDE = 64
"""Of a mark, a dark square, in level-0 pixels."""

_MARGIN = 128
"""White pixels beyond the right and bottom edge, from which padded and rounded levels are made."""

Point = tuple[int, int]
Size = tuple[int, int]


@dataclass(frozen=True)
class Marked:
    """A slide that was written."""

    path: Path
    """What opens it."""

    size: Size
    """(width, height) of level 0."""

    marks: tuple[Point, ...]
    """Middles of the marks, in level-0 pixels."""


def places(size: Size, count: int = 10) -> tuple[Point, ...]:
    """Middles of marks all over a slide, near its corners too, none on a tile's edge by design."""
    width, height = size
    margin = 160
    across = [margin, width - margin, width // 2, width // 3, 2 * width // 3 + 5]
    down = np.linspace(margin, height - margin, count).astype(int)
    return tuple((across[index % len(across)], int(y)) for index, y in enumerate(down))


def reduced(size: Size, factor: float, level: Size, marks: Sequence[Point]) -> slide_files.Pixels:
    """The pixels of a level, each the mean of `factor` x `factor` level-0 pixels."""
    width, height = round(level[0] * factor) + _MARGIN, round(level[1] * factor) + _MARGIN
    base = np.full((max(height, size[1]), max(width, size[0])), 245, np.uint8)
    for x, y in marks:
        base[y - SIDE // 2 : y + SIDE // 2, x - SIDE // 2 : x + SIDE // 2] = 20
    box = (0.0, 0.0, level[0] * factor, level[1] * factor)
    grey = np.asarray(Image.fromarray(base).resize(level, Image.Resampling.BOX, box))
    return np.repeat(grey[..., None], 3, axis=2)


def write_tiff(path: Path, size: Size, levels: Sequence[tuple[float, Size]], tile: int) -> Marked:
    """A TIFF pyramid; `levels` are the factors and sizes of those below level 0."""
    marks = places(size)
    pages = [reduced(size, factor, level, marks) for factor, level in [(1.0, size), *levels]]
    slide_files.write_encoded(path, pages, slide_files.ycbcr_jpeg, tile=tile)
    return Marked(path, size, marks)


def write_padded_dicom(folder: Path, size: Size, factors: Sequence[int], tile: int) -> Marked:
    """A DICOM series whose levels end in padding to whole tiles; only the spacing tells that."""
    marks = places(size)
    levels = [reduced(size, 1.0, size, marks)]
    for factor in factors:
        width, height = (-(-side // factor // tile) * tile for side in size)
        levels.append(reduced(size, factor, (width, height), marks))
    spacings = [(dicom_files.MPP * factor,) * 2 for factor in (1, *factors)]
    path = dicom_files.write_dicom(folder, tile=tile, levels=levels, spacings=spacings)
    return Marked(path, size, marks)
