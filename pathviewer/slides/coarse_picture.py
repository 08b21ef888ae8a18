"""Approximate pictures of areas too large to be read in full, drawn from sampled tiles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from pathviewer.slides.geometry import Level, Region
from pathviewer.slides.jpeg_pixels import Pixels

_GRIDS = (8, 16, 32, 64)
"""Samples along each side; passes run in this order while time is left."""

Sample = Callable[[int, int], Pixels | None]
"""Return the tile at (column, row) as reduced (height, width, 3) RGB, `None` if unreadable."""


def draw_samples(
    level: Level,
    l_box: Region,
    size: tuple[int, int],
    background: tuple[int, int, int],
    sample: Sample,
    seconds: float,
) -> Pixels | None:
    """Draw a box of a level (`l_` frame) as (height, width, 3) RGB of `size`, (width, height).

    The picture is divided into cells, each filled with the tile at its centre; finer cells follow
    until about `seconds` have passed. `None` if no tile could be read in that time.
    """
    pixels: Pixels = np.full((size[1], size[0], 3), background, np.uint8)
    until = time.monotonic() + seconds
    drawn = False
    for count in _GRIDS:
        for cell, (x, y) in _cells(size, l_box, count):
            if time.monotonic() > until:
                return pixels if drawn else None
            tile = sample(x // level.tile_width, y // level.tile_height)
            if tile is not None:
                drawn = True
                _fill(pixels, cell, tile)
        if count >= max(size):
            break
    return pixels if drawn else None


def _cells(
    size: tuple[int, int], l_box: Region, count: int
) -> Iterator[tuple[Region, tuple[int, int]]]:
    """Yield cells in picture pixels, each with its centre in level pixels."""
    across, down = min(count, size[0]), min(count, size[1])
    for j in range(down):
        for i in range(across):
            left, right = i * size[0] // across, (i + 1) * size[0] // across
            top, bottom = j * size[1] // down, (j + 1) * size[1] // down
            x = l_box.x + (2 * i + 1) * l_box.width // (2 * across)
            y = l_box.y + (2 * j + 1) * l_box.height // (2 * down)
            yield Region(left, top, right - left, bottom - top), (x, y)


def _fill(pixels: Pixels, cell: Region, tile: Pixels) -> None:
    shape = cell.width, cell.height
    reduced = Image.fromarray(np.ascontiguousarray(tile)).resize(shape, Image.Resampling.BOX)
    pixels[cell.y : cell.y + cell.height, cell.x : cell.x + cell.width] = np.asarray(reduced)
