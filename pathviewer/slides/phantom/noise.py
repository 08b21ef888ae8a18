"""Periodic textures: seamless noise, warped and ridged."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathviewer.slides.phantom.hashing import Floats, uniforms

PERIOD = 1024
"""Side of every texture, px; a power of two, so that wrapping is a mask."""


def noise(
    random: np.random.Generator, wavelength: float, *, stretch: float = 1.0, spread: float = 0.5
) -> Floats:
    """Return (PERIOD, PERIOD) noise of mean 0 and variance 1 with a wavelength in px along y.

    Along x, the wavelength is `stretch` times as long. `spread` is the width of the band of
    wavelengths, in natural logarithms.
    """
    white = random.standard_normal((PERIOD, PERIOD), dtype=np.float32)
    down = np.fft.fftfreq(PERIOD).astype(np.float32)[:, None]
    along = np.fft.rfftfreq(PERIOD).astype(np.float32)[None, :] * stretch
    radius = np.maximum(np.hypot(down, along), 1e-9)
    band = np.exp(-0.5 * (np.log(radius * wavelength) / spread) ** 2)
    band /= np.sqrt(radius)
    band[0, 0] = 0
    field = np.fft.irfft2(np.fft.rfft2(white) * band, s=(PERIOD, PERIOD)).astype(np.float32)
    scaled: Floats = field / field.std()
    return scaled


def shift_texture(texture: Floats, right: Floats | float, down: Floats | float) -> Floats:
    """Sample the texture at each pixel's position plus a displacement in px, bilinearly."""
    rows, columns = np.mgrid[0:PERIOD, 0:PERIOD].astype(np.float32)
    x, y = columns + right, rows + down
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    across, below = (x - left).astype(np.float32), (y - top).astype(np.float32)
    wrap = PERIOD - 1
    row, next_row = (top & wrap) * PERIOD, ((top + 1) & wrap) * PERIOD
    column, next_column = left & wrap, (left + 1) & wrap
    upper = _between(texture.take(row + column), texture.take(row + next_column), across)
    lower = _between(texture.take(next_row + column), texture.take(next_row + next_column), across)
    return _between(upper, lower, below)


def _between(first: Floats, second: Floats, part: Floats) -> Floats:
    return first + (second - first) * part


def smoothstep(low: float, high: float, value: NDArray[np.floating]) -> Floats:
    """Return 0 below `low`, 1 above `high`, and a smooth transition in between."""
    part = np.clip((value - low) / (high - low), 0, 1).astype(np.float32)
    smooth: Floats = part * part * (3 - 2 * part)
    return smooth


def cell_walls(seed: int, stream: int, cells: int) -> Floats:
    """Return the distance in px to the nearest border of a periodic Voronoi mosaic.

    The mosaic has cells x cells sites. The result is half the difference of the distances to the
    two nearest sites, which is the distance to the border near it (Worley 1996).
    """
    side = PERIOD / cells
    coarse = np.arange(0, PERIOD, 2, dtype=np.float32)
    nearest = np.full((coarse.size, coarse.size), math.inf, np.float32)
    second = nearest.copy()
    home = np.floor(coarse / side).astype(np.int64)
    for down in range(-2, 3):
        for right in range(-2, 3):
            column, row = home[None, :] + right, home[:, None] + down
            jitter = uniforms(seed, stream, column % cells, row % cells, 2).astype(np.float32)
            x = (column + 0.12 + 0.76 * jitter[..., 0]) * side - coarse[None, :]
            y = (row + 0.12 + 0.76 * jitter[..., 1]) * side - coarse[:, None]
            distance = np.hypot(x, y)
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    walls = ((second - nearest) / 2).repeat(2, 0).repeat(2, 1)
    for axis in (0, 1):
        walls = (walls + np.roll(walls, 1, axis)) / 2
    return walls.astype(np.float32)
