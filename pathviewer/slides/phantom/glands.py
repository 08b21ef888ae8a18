"""Glands: a lumen and a ring of columnar cells with basal nuclei and goblet cells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathviewer.slides.phantom.canvas import Bytes, Canvas
from pathviewer.slides.phantom.ground_truth import NucleusKind, TissueClass
from pathviewer.slides.phantom.hashing import Floats, uniforms
from pathviewer.slides.phantom.layout import CANVAS, PhantomLayout
from pathviewer.slides.phantom.noise import smoothstep
from pathviewer.slides.phantom.sprites import ANGLES, Bank

SPACING = 218
"""Spacing of the glands' grid, level-0 px."""

REACH = 190
"""Upper bound of a gland's radius, level-0 px."""

_GRID = np.array([[0.93, -0.37], [0.37, 0.93]])
"""Rotation of the glands' grid, so that rows do not follow the slide's sides."""

_TURNS = 1024
"""Directions in which a gland's outline is tabulated."""

_CELL_WIDTH = 10.5
"""Width of a columnar cell at its base, level-0 px."""


@dataclass(frozen=True)
class Gland:
    """One gland; lengths in level-0 px."""

    x: float
    """Centre, level-0."""

    y: float
    """Centre, level-0."""

    outline: Floats
    """(_TURNS,) distance from the centre to the basement membrane, by direction."""

    wall: Floats
    """(_TURNS,) height of the epithelium, by direction."""

    goblet: Floats
    """(_TURNS,) 1 across the middle of a goblet cell, else 0."""

    nuclei: NDArray[np.float64]
    """(nuclei, 4): direction in radians, depth under the membrane, variant in [0, 1), tilt."""


def glands_near(layout: PhantomLayout, origin_x: int, origin_y: int) -> Iterator[Gland]:
    """Yield the glands that reach into a canvas, always in the same order."""
    half = CANVAS / 2 + REACH
    middle = np.array([origin_x, origin_y]) + CANVAS / 2
    home = np.rint(_GRID.T @ middle / SPACING).astype(np.int64)
    around = np.arange(-math.ceil(1.4 * half / SPACING) - 1, math.ceil(1.4 * half / SPACING) + 2)
    column, row = (each.ravel() for each in np.meshgrid(home[0] + around, home[1] + around))
    draws = uniforms(layout.seed, 11, column, row, 3)
    size = 62 + 54 * draws[:, 2]
    lattice = np.stack([column + 0.5 * (row % 2), row]) + 0.42 * (draws[:, :2].T - 0.5)
    x, y = _GRID @ lattice * SPACING
    near = (abs(x - middle[0]) < half) & (abs(y - middle[1]) < half)
    fits = (layout.at("gland", x, y) > 0.5 * size) & (layout.at("tissue", x, y) > 1.3 * size)
    for index in np.flatnonzero(near & fits):
        cell = int(column[index]), int(row[index])
        yield _gland(layout.seed, *cell, x[index], y[index], size[index])


def _gland(seed: int, column: int, row: int, x: float, y: float, size: float) -> Gland:
    draws = uniforms(seed, 12, column, row, 24)
    turn = np.arange(_TURNS) * (2 * math.pi / _TURNS)
    outline = np.ones(_TURNS)
    for waves, strength in ((2, 0.24), (3, 0.11), (4, 0.06), (5, 0.05), (7, 0.03)):
        amount = strength * (0.35 + 0.65 * draws[waves])
        outline += amount * np.cos(waves * turn + 2 * math.pi * draws[waves + 8])
    outline *= size
    wall = 37 + 10 * draws[0] + 4 * np.cos(3 * turn + 6 * draws[1]) + 1.5 * np.cos(17 * turn)
    cells = int(2 * math.pi * size / _CELL_WIDTH)
    draws_by_cell = uniforms(seed, 13, np.arange(cells), column * 7_919 + row, 5)
    goblets = draws_by_cell[:, 4] < 0.42 * draws[20]
    owner = (turn * (cells / (2 * math.pi))) % cells
    middle = np.abs(owner % 1 - 0.5) < 0.44
    place = np.arange(cells) + 0.5 + 0.5 * (draws_by_cell[:, 0] - 0.5)
    depth = 11 + 11 * draws_by_cell[:, 1] ** 2
    nuclei = [place * (2 * math.pi / cells), depth, draws_by_cell[:, 2], draws_by_cell[:, 3] - 0.5]
    return Gland(
        x,
        y,
        outline.astype(np.float32),
        wall.astype(np.float32),
        (goblets[owner.astype(np.int64) % cells] & middle).astype(np.float32),
        np.stack(nuclei, axis=1),
    )


def paint(canvas: Canvas, gland: Gland, cytoplasm: Bytes, ragged: Bytes) -> None:
    """Draw epithelium and lumen, without nuclei; the byte images supply noise."""
    half = math.ceil(float(gland.outline.max())) + 1
    left, top = int(gland.x) - canvas.origin_x - half, int(gland.y) - canvas.origin_y - half
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + 2 * half, CANVAS), min(top + 2 * half, CANVAS)
    if x0 >= x1 or y0 >= y1:
        return
    area = np.s_[y0:y1, x0:x1]
    right = np.arange(x0, x1, dtype=np.float32)[None, :] + np.float32(canvas.origin_x - gland.x)
    down = np.arange(y0, y1, dtype=np.float32)[:, None] + np.float32(canvas.origin_y - gland.y)
    turn = (np.arctan2(down, right) * (_TURNS / (2 * math.pi))).astype(np.int32) & (_TURNS - 1)
    depth = gland.outline[turn] - np.hypot(right, down)
    height = gland.wall[turn] + (ragged[area].astype(np.float32) - 128) * 0.06
    inside, lumen = depth > 0, depth > height
    eosin, blue = _epithelium(depth, height, gland.goblet[turn], cytoplasm[area])
    np.copyto(canvas.eosin[area], eosin, where=inside)
    np.copyto(canvas.haematoxylin[area], blue, where=inside)
    canvas.tissue[area][inside] = TissueClass.gland
    canvas.tissue[area][lumen] = TissueClass.lumen


def _epithelium(
    depth: Floats, height: Floats, goblet: Floats, cytoplasm: Bytes
) -> tuple[Bytes, Bytes]:
    """Return eosin and haematoxylin by depth under the basement membrane."""
    rough = cytoplasm.astype(np.float32) - 34
    part = depth / height
    border = smoothstep(0.90, 0.97, part)
    eosin = 46 - 12 * part + 14 * border + rough
    blue = 19 - 8 * part + 0.4 * rough
    mucus = goblet * smoothstep(0.46, 0.60, part) * smoothstep(1.0, 0.90, part)
    eosin += mucus * (7 - eosin)
    blue += mucus * (9 - blue)
    empty = smoothstep(0.99, 1.03, part)
    eosin *= 1 - empty
    blue *= 1 - empty
    membrane = smoothstep(3.2, 1.2, np.abs(depth - 1))
    eosin += membrane * 8
    return np.clip(eosin, 0, 255).astype(np.uint8), np.clip(blue, 0, 255).astype(np.uint8)


def stamp_nuclei(canvas: Canvas, gland: Gland, bank: Bank) -> None:
    """Stamp the gland's basal nuclei where its epithelium is visible."""
    turn, depth, variant, tilt = gland.nuclei.T
    radius = gland.outline[(turn * (_TURNS / (2 * math.pi))).astype(np.int64) % _TURNS] - depth
    x = np.rint(gland.x + radius * np.cos(turn)).astype(np.int64) - canvas.origin_x
    y = np.rint(gland.y + radius * np.sin(turn)).astype(np.int64) - canvas.origin_y
    heading = np.rint((turn + 0.5 * tilt) * (ANGLES / math.pi)).astype(np.int64) % ANGLES
    shown = (x >= 0) & (x < CANVAS) & (y >= 0) & (y < CANVAS)
    for index in np.flatnonzero(shown):
        column, row = int(x[index]), int(y[index])
        if canvas.tissue[row, column] == TissueClass.gland:
            choices = bank.nuclei["columnar"][heading[index]]
            sprite = choices[int(variant[index] * len(choices))]
            canvas.stamp(sprite, column, row, NucleusKind.gland)
