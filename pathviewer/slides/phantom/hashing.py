"""Random numbers as a pure function of a seed, a stream and a grid cell.

Neighbouring blocks of a slide draw the same nucleus at their common border without communication,
and any number of processes writes the same file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_COLUMN = np.uint64(0xD1B54A32D192ED03)
_ROW = np.uint64(0xABC98388FB8FAC03)


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finaliser of SplitMix64 (Steele, Lea and Flood 2014): each bit affects every other."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def uniforms(
    seed: int, stream: int, columns: ArrayLike, rows: ArrayLike, count: int
) -> NDArray[np.float64]:
    """Return `count` numbers in [0, 1) per cell, (*cells, count); `stream` separates uses."""
    column = np.asarray(columns, np.int64).astype(np.uint64)
    row = np.asarray(rows, np.int64).astype(np.uint64)
    key = _mix(np.array([seed * 1_000_003 + stream], np.int64).astype(np.uint64) + _GOLDEN)[0]
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64; numpy warns for scalar cells
        cell = _mix(column * _COLUMN + _mix(row * _ROW + key))
        draws = _mix(cell[..., None] + np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN)
    return (draws >> np.uint64(11)).astype(np.float64) * 2.0**-53


def spline_pieces(part: NDArray[np.floating]) -> Floats:
    """(*part, 4) cubic B-spline weights of the four grid values around a fraction of a step."""
    pieces = (
        (1 - part) ** 3 / 6,
        (3 * part**3 - 6 * part**2 + 4) / 6,
        (-3 * part**3 + 3 * part**2 + 3 * part + 1) / 6,
        part**3 / 6,
    )
    return np.stack(pieces, axis=-1).astype(np.float32)


def lattice_noise(seed: int, stream: int, x: Floats, y: Floats, wavelength: float) -> Floats:
    """Return (len(y), len(x)) smooth noise of mean 0, about 0.4 sd, at each x and y, level-0 px.

    Hashed grid values are interpolated by a cubic B-spline, which hides the grid's directions.
    """
    columns, across = _weights(x / wavelength)
    rows, down = _weights(y / wavelength)
    grid = uniforms(seed, stream, columns[None, :], rows[:, None], 1)[..., 0]
    field: Floats = down @ (2.9 * grid - 1.45).astype(np.float32) @ across.T
    return field


def _weights(position: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the grid lines that reach some positions, and their (positions, lines) weights."""
    cells = np.floor(position).astype(np.int64)
    lines = np.arange(cells.min() - 1, cells.max() + 3)
    weights = np.zeros((position.size, lines.size), np.float32)
    pieces = spline_pieces(position - cells)
    for offset in range(4):
        weights[np.arange(position.size), cells - cells.min() + offset] = pieces[:, offset]
    return lines, weights
