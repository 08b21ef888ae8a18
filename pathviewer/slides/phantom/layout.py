"""Layout of a phantom: smooth fields on a coarse grid, read by every block.

All fields but the weights are distances in level-0 px, positive inside the named area, so that a
block frays a border by adding noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pathviewer.slides.phantom.hashing import Floats, lattice_noise, spline_pieces, uniforms
from pathviewer.slides.phantom.noise import smoothstep

STEP = 64
"""Grid spacing of the fields, level-0 px."""

BLOCK = 1024
"""Side of the square that is rendered at once, level-0 px."""

HALO = 32
"""Margin rendered around a block so that objects at its border are complete, level-0 px."""

CANVAS = BLOCK + 2 * HALO

FIELDS = (
    "tissue",
    "gland",
    "atypical",
    "airspace",
    "necrosis",
    "pen",
    "blur",
    "loose",
    "inflamed",
    "turn",
    "right",
    "down",
)
"""Names of the fields, in stacking order."""

_PAD = 4
_REACH = BLOCK // STEP + 4
_ZONES = ("gland", "atypical", "stroma", "airspace", "gland", "atypical", "stroma")
_SHARPEST, _COARSEST = 555.0, 5200.0


def zone_size(width: int, height: int) -> float:
    """Typical width of a tissue zone, level-0 px; even the smallest slide shows all zones."""
    return min(max(min(width, height) / 3.6, _SHARPEST), _COARSEST)


@dataclass(frozen=True)
class PhantomLayout:
    """Coarse fields of one phantom."""

    width: int
    """Level-0 px."""

    height: int
    """Level-0 px."""

    seed: int
    """With the size, it determines everything."""

    fields: Floats
    """(field, rows, columns) values at the centres of `STEP` px cells, padded by `_PAD` cells."""

    def around(self, column: int, row: int) -> dict[str, Floats]:
        """Return the (20, 20) grid values that reach a block and its halo, by field name."""
        left, top = (each * (BLOCK // STEP) + _PAD - 2 for each in (column, row))
        part = self.fields[:, top : top + _REACH, left : left + _REACH]
        return dict(zip(FIELDS, part, strict=True))

    def at(self, name: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a field at level-0 points, bilinear between grid values."""
        field = self.fields[FIELDS.index(name)]
        right = np.clip(x / STEP - 0.5 + _PAD, 0, field.shape[1] - 1.001)
        down = np.clip(y / STEP - 0.5 + _PAD, 0, field.shape[0] - 1.001)
        column, row = right.astype(np.int64), down.astype(np.int64)
        across, below = right - column, down - row
        upper = field[row, column] * (1 - across) + field[row, column + 1] * across
        lower = field[row + 1, column] * (1 - across) + field[row + 1, column + 1] * across
        between: NDArray[np.float64] = upper * (1 - below) + lower * below
        return between


def unfold(grid: Floats) -> Floats:
    """Return a field's (CANVAS, CANVAS) pixels from the (20, 20) grid values around a block.

    A cubic B-spline. Grid values and weights are whole multiples of `_FINEST` and `_LIGHTEST`, so
    that every product and sum is exact in float64, and neighbouring blocks agree to the bit
    whatever order a processor adds in. The products are small enough for BLAS to compute each on
    the calling thread: all cores already run a drawing process, and more threads would only
    interfere.
    """
    exact = np.round(grid.astype(np.float64) / _FINEST) * _FINEST
    wide = np.matmul(exact.reshape(2, -1, _REACH), _ACROSS).reshape(_REACH, CANVAS)
    four_rows = np.moveaxis(sliding_window_view(wide, 4, axis=0), 2, 1)
    unfolded = np.matmul(_BASIS.reshape(1, 2, -1, 4), four_rows[:, None])
    pixels: Floats = unfolded.reshape(CANVAS, CANVAS).astype(np.float32)
    return pixels


_FINEST, _LIGHTEST = 2.0**-8, 2.0**-14
"""A distance below 2**16 px, weighed twice, has 16 + 8 + 2 * 14 = 52 bits; float64 holds 53."""


def _basis() -> NDArray[np.float64]:
    """Return (STEP, 4) weights of four neighbouring grid values in one cell; each row sums to 1."""
    smooth = spline_pieces((np.arange(STEP) + 0.5) / STEP).astype(np.float64)
    weights: NDArray[np.float64] = np.round(smooth / _LIGHTEST) * _LIGHTEST
    weights[:, 1] += 1 - weights.sum(axis=1)
    return weights


_BASIS = _basis()


def _across() -> NDArray[np.float64]:
    """Return (20, CANVAS) weights of a row's grid values for a row's pixels."""
    weights = np.zeros((_REACH, CANVAS))
    for cell in range(CANVAS // STEP):
        weights[cell : cell + 4, cell * STEP : (cell + 1) * STEP] = _BASIS.T
    return weights


_ACROSS = _across()


def make_layout(width: int, height: int, seed: int) -> PhantomLayout:
    """Return the layout of a slide; a pure function of its arguments."""
    x, y = (_centres(side) for side in (width, height))
    zone = zone_size(width, height)
    tissue = _tissue(x, y, width, height, seed)
    zones = _zones(x, y, zone, seed)
    spot = lattice_noise(seed, 21, x, y, zone * 0.3)
    deepest = float(np.where(tissue > zone * 0.2, zones["atypical"], 0).max(initial=0))
    right, down = (_drift(seed, stream, x, y) for stream in (31, 41))
    layers = {
        "tissue": tissue,
        "gland": zones["gland"],
        "atypical": zones["atypical"],
        "airspace": zones["airspace"],
        "necrosis": zones["atypical"] - min(0.27 * zone, 0.55 * deepest) + 0.10 * zone * spot,
        "pen": _pen(x, y, width, height, seed),
        "blur": _blur(x, y, width, height),
        "loose": smoothstep(-0.25, 0.45, lattice_noise(seed, 22, x, y, 1500)),
        "inflamed": smoothstep(0.25, 0.85, lattice_noise(seed, 23, x, y, 620)),
        "turn": lattice_noise(seed, 24, x, y, 900),
        "right": right,
        "down": down,
    }
    return PhantomLayout(width, height, seed, np.stack([layers[name] for name in FIELDS]))


def _centres(side: int) -> Floats:
    """Return level-0 centres of the grid's cells along one side, padding included."""
    cells = math.ceil(side / BLOCK) * (BLOCK // STEP) + 2 * _PAD
    return (np.arange(cells, dtype=np.float32) - _PAD + 0.5) * STEP


def _drift(seed: int, stream: int, x: Floats, y: Floats) -> Floats:
    """Displacement of textures, level-0 px: turns and stretches them so that none repeats."""
    return (
        700 * lattice_noise(seed, stream, x, y, 8000)
        + 110 * lattice_noise(seed, stream + 1, x, y, 1700)
        + 8 * lattice_noise(seed, stream + 2, x, y, 420)
    )


def _tissue(x: Floats, y: Floats, width: int, height: int, seed: int) -> Floats:
    """Return the distance inside the tissue: a large piece with bays, and a fragment beside it."""
    least = min(width, height)
    bay = 0.085 * least
    sway = (
        bay * lattice_noise(seed, 1, x, y, least * 0.28)
        + 0.3 * bay * lattice_noise(seed, 7, x, y, least * 0.07)
        + 90 * lattice_noise(seed, 2, x, y, 600)
    )
    across = np.abs(x - 0.48 * width)[None, :] / (0.43 * width)
    down = np.abs(y - 0.51 * height)[:, None] / (0.42 * height)
    main = (1 - np.cbrt(across**3 + down**3)) * 0.42 * least + sway
    piece = 0.05 * least - np.hypot((x - 0.93 * width)[None, :], (y - 0.08 * height)[:, None])
    whole: Floats = np.maximum(main, piece + 0.35 * sway)
    return whole


def _zones(x: Floats, y: Floats, zone: float, seed: int) -> dict[str, Floats]:
    """Return the distance inside each kind of zone: a warped Voronoi mosaic of jittered sites.

    Kinds follow a lattice in which any 3 x 3 sites include all of them, so no slide lacks one. The
    lattice is rotated, so that borders do not follow the slide's sides.
    """
    warp_x, warp_y = (
        0.17 * zone * lattice_noise(seed, stream, x, y, zone * 0.9)
        + 0.04 * zone * lattice_noise(seed, stream + 1, x, y, zone * 0.3)
        for stream in (61, 63)
    )
    across, below = x[None, :] + warp_x, y[:, None] + warp_y
    u, v = (0.89 * across + 0.45 * below) / zone, (0.89 * below - 0.45 * across) / zone
    home_u, home_v = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    nearest = {name: np.full(u.shape, 9.0, np.float32) for name in set(_ZONES)}
    kinds = np.array(_ZONES)
    for down in range(-2, 3):
        for right in range(-2, 3):
            column, row = home_u + right, home_v + down
            jitter = uniforms(seed, 5, column, row, 2)
            distance = np.hypot(
                column + 0.2 + 0.6 * jitter[..., 0] - u, row + 0.2 + 0.6 * jitter[..., 1] - v
            )
            kind = kinds[(column + 3 * row + seed) % len(kinds)]
            for name, best in nearest.items():
                np.minimum(best, np.where(kind == name, distance, 9), out=best, casting="same_kind")
    ripple = 0.07 * zone * lattice_noise(seed, 65, x, y, zone * 0.2)
    ripple += 55 * lattice_noise(seed, 66, x, y, 450)
    return {name: _margin(name, nearest) * zone + ripple for name in _ZONES}


def _margin(name: str, nearest: dict[str, Floats]) -> Floats:
    """Return half the lead of a kind's nearest site over all others: the distance to the border."""
    others = np.minimum.reduce([best for other, best in nearest.items() if other != name])
    lead: Floats = (others - nearest[name]) / 2
    return lead


def _pen(x: Floats, y: Floats, width: int, height: int, seed: int) -> Floats:
    """Return the distance inside a pen stroke around the tissue's upper right border."""
    least = min(width, height)
    centre_x, centre_y, reach = 0.80 * width, 0.20 * height, 0.13 * least
    sway = 0.02 * least * lattice_noise(seed, 6, x, y, least * 0.12)
    across, down = (x - centre_x)[None, :], (y - centre_y)[:, None] * 1.2
    half = min(max(0.012 * least, 80.0), 300.0)
    ring = half - np.abs(np.hypot(across, down) + sway - reach)
    turn = np.arctan2(down, across)
    gap = (np.abs(turn - 2.2) - 0.5) * reach
    stroke: Floats = np.minimum(ring, gap).astype(np.float32)
    return stroke


def _blur(x: Floats, y: Floats, width: int, height: int) -> Floats:
    """Return the weight, 0 to 1, of the out-of-focus area."""
    across = (x - 0.28 * width)[None, :] / (0.12 * width)
    down = (y - 0.70 * height)[:, None] / (0.12 * height)
    return smoothstep(1.15, 0.85, np.hypot(across, down))
