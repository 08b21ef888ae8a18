"""Populations of single nuclei: location, density and orientation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathviewer.slides.phantom.canvas import Canvas
from pathviewer.slides.phantom.ground_truth import NucleusKind, TissueClass
from pathviewer.slides.phantom.hashing import uniforms
from pathviewer.slides.phantom.layout import CANVAS
from pathviewer.slides.phantom.sprites import ANGLES, Bank

Points = NDArray[np.int64]
Chance = Callable[[Points, Points], NDArray[np.floating]]
"""Probability of a nucleus at each canvas point (x, y)."""


@dataclass(frozen=True)
class Population:
    """Nuclei of one look on a jittered grid."""

    look: str
    """Name of the sprites."""

    kind: NucleusKind | None
    """Kind recorded in the truth; `None` for debris, which is not a nucleus."""

    stream: int
    """Its own stream of random numbers."""

    spacing: int
    """Grid spacing, level-0 px."""

    home: TissueClass
    """Tissue required at the pixel of its centre."""

    aligned: bool = False
    """Whether nuclei follow the stroma's fibres; otherwise, orientation is random."""

    bodies: bool = False
    """Whether each nucleus is drawn over its own cytoplasm."""

    jitter: float = 1.0
    """Share of a grid cell in which its nucleus may lie; less separates neighbours."""


SPINDLE = Population("spindle", NucleusKind.stromal, 51, 36, TissueClass.stroma, aligned=True)
PLUMP = Population("oval", NucleusKind.stromal, 52, 90, TissueClass.stroma, aligned=True)
LYMPHOCYTE = Population("lymphocyte", NucleusKind.lymphocyte, 53, 15, TissueClass.stroma)
SEPTAL = Population("oval", NucleusKind.septal, 54, 19, TissueClass.stroma)
ATYPICAL = Population(
    "atypical", NucleusKind.atypical, 55, 28, TissueClass.atypical, bodies=True, jitter=0.62
)
INVADER = Population("lymphocyte", NucleusKind.lymphocyte, 56, 60, TissueClass.atypical)
DEBRIS = Population("pyknotic", None, 57, 14, TissueClass.necrosis)
GHOST = Population("ghost", None, 58, 34, TissueClass.necrosis)


def scatter(
    canvas: Canvas,
    bank: Bank,
    population: Population,
    seed: int,
    chance: Chance,
    angle: NDArray[np.uint8],
) -> None:
    """Stamp a population; `angle` is each pixel's fibre direction, 0 to 255 for half a turn."""
    x, y, draws = _candidates(canvas, population, seed)
    chosen_points = (canvas.tissue[y, x] == population.home) & (draws[:, 2] < chance(x, y))
    x, y, draws = x[chosen_points], y[chosen_points], draws[chosen_points]
    heading = draws[:, 3] * ANGLES
    if population.aligned:
        heading = angle[y, x] * (ANGLES / 256) + (draws[:, 3] - 0.5) * ANGLES * 0.12
    angles = (np.rint(heading).astype(np.int64) % ANGLES).tolist()
    places = list(zip(x.tolist(), y.tolist(), strict=True))
    if population.bodies:
        for place, part in zip(places, draws[:, 3].tolist(), strict=True):
            canvas.lay(bank.bodies[int(part * len(bank.bodies))], *place)
    sprites = bank.nuclei[population.look]
    for place, turn, part in zip(places, angles, draws[:, 4].tolist(), strict=True):
        choices = sprites[turn]
        canvas.stamp(choices[int(part * len(choices))], *place, population.kind)


def _candidates(
    canvas: Canvas, population: Population, seed: int
) -> tuple[Points, Points, NDArray[np.float64]]:
    """Return x and y of all grid cells' nuclei on the canvas, and (points, 5) randoms."""
    spacing, slack = population.spacing, population.jitter
    columns = np.arange(canvas.origin_x // spacing - 1, (canvas.origin_x + CANVAS) // spacing + 1)
    rows = np.arange(canvas.origin_y // spacing - 1, (canvas.origin_y + CANVAS) // spacing + 1)
    draws = uniforms(seed, population.stream, columns[None, :], rows[:, None], 5)
    shift = 0.5 * (rows[:, None] % 2)
    across = columns[None, :] + shift + slack * draws[..., 0]
    down = rows[:, None] + slack * draws[..., 1]
    x = np.floor(across * spacing).astype(np.int64).ravel() - canvas.origin_x
    y = np.floor(down * spacing).astype(np.int64).ravel() - canvas.origin_y
    shown = (x >= 0) & (x < CANVAS) & (y >= 0) & (y < CANVAS)
    return x[shown], y[shown], draws.reshape(-1, 5)[shown]


def constant(probability: float) -> Chance:
    """Return the same chance everywhere."""
    return lambda x, _: np.full(x.shape, probability)
