"""Measurements on H&E pictures, and the claims that follow from them.

The thresholds are this project's own, set on lung tiles of 224 px at about 1 um/px: they divide
those tiles into parts of useful size and are not clinical limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2hed
from skimage.filters import gaussian, laplace, threshold_otsu
from skimage.transform import resize_local_mean

from models.training.specimen.grammar import Facts

OPEN_LIGHTNESS = 205.0
"""Mean of red, green and blue above which a pixel may be open space, of 255."""
OPEN_SATURATION = 40.0
"""Largest difference between the channels of a pixel of open space, of 255."""
NUCLEAR_FLOOR = 0.045
"""Least haematoxylin (optical density after colour deconvolution) of a nucleus."""


@dataclass(frozen=True)
class Threshold:
    """Boundary between two claims, with the range in which both hold."""

    at: float
    """The boundary."""
    low: float
    """Below this only the lower claim holds."""
    high: float
    """Above this only the upper claim holds."""


CELLULARITY = (Threshold(0.10, 0.085, 0.115), Threshold(0.22, 0.19, 0.25))
OPEN_SPACE = (Threshold(0.05, 0.035, 0.07), Threshold(0.30, 0.25, 0.36))
LEVELS = ("low", "moderate", "high")
FOCUS = (Threshold(0.65, 0.56, 0.74),)
TISSUE = (Threshold(0.03, 0.01, 0.06),)
QUADRANT_MARGIN = 0.2
"""Margin over the second quadrant, as a share, that the first needs for the claim."""


@dataclass(frozen=True)
class Measures:
    """Measurements of one picture; shares are of its area."""

    nuclear_fraction: float
    """Nuclei as a share of the tissue."""
    open_fraction: float
    """Open space as a share of the picture."""
    sharpness: float
    """Mean absolute Laplacian over mean absolute difference of Gaussians (1 and 3 px)."""


def open_mask(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(height, width): mask of open space, i.e. light pixels without colour."""
    red, green, blue = np.moveaxis(rgb, 2, 0)  # separately: far faster than along axis 2
    light = red.astype(np.uint16) + green + blue > 3 * OPEN_LIGHTNESS
    most = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    return np.asarray(light & (most - least < OPEN_SATURATION))


def open_space(rgb: NDArray[np.uint8]) -> tuple[str, ...]:
    """Claims about open space that hold for a picture, (height, width, 3)."""
    return values_of_measure(float(open_mask(rgb).mean()), OPEN_SPACE, LEVELS)


def nuclear_mask(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(height, width): mask of pixels rich in haematoxylin.

    Colour deconvolution of Ruifrok and Johnston (Anal Quant Cytol Histol 2001; 23: 291-299), a blur
    of 1 px, Otsu's threshold, and a floor below which nothing counts as a nucleus.
    """
    haematoxylin = gaussian(rgb2hed(rgb)[..., 0], 1)
    if float(np.ptp(haematoxylin)) < 1e-6:
        return np.zeros(rgb.shape[:2], dtype=np.bool_)
    return np.asarray(haematoxylin > max(threshold_otsu(haematoxylin), NUCLEAR_FLOOR))


def sharpness(rgb: NDArray[np.uint8]) -> float:
    """Fine detail relative to coarser detail: about 1.4 in focus, about 0.4 blurred by 3 px."""
    grey = rgb.astype(np.float64).mean(axis=2) / 255.0
    coarse = float(np.abs(gaussian(grey, 1) - gaussian(grey, 3)).mean())
    return float(np.abs(laplace(grey)).mean()) / (coarse + 1e-3)


def measure(rgb: NDArray[np.uint8]) -> Measures:
    """All measurements of a picture, (height, width, 3)."""
    space = open_mask(rgb)
    tissue = max(float((~space).mean()), 1e-6)
    nuclear = float((nuclear_mask(rgb) & ~space).mean())
    return Measures(nuclear / tissue, float(space.mean()), sharpness(rgb))


def cell_shares(mask: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.float32]:
    """Share of a mask (0 and 255) in each cell of a grid, (rows, columns)."""
    shares = resize_local_mean(mask.astype(np.float32) / 255.0, (rows, columns))
    return np.asarray(shares, dtype=np.float32)


def values_of_measure(
    value: float, thresholds: tuple[Threshold, ...], names: tuple[str, ...]
) -> tuple[str, ...]:
    """Claims that hold for a measurement, the nominal one first."""
    nominal = sum(value >= threshold.at for threshold in thresholds)
    held = [names[nominal]]
    for index, threshold in enumerate(thresholds):
        if threshold.low < value < threshold.high:
            held.append(names[index + 1] if nominal == index else names[index])
    return tuple(dict.fromkeys(held))


def derive_facts(
    measures: Measures, *, pattern: str | None = None, quadrants: Mapping[str, float] | None = None
) -> Facts:
    """Claims that hold for a picture.

    `pattern` is the known diagnosis, or None; `quadrants` the number or share of nuclei by
    quadrant, which gives a claim only with a clear margin.
    """
    if measures.open_fraction > 1 - TISSUE[0].low:
        return Facts({"tissue": ("absent",)})
    claims = {
        "tissue": values_of_measure(1 - measures.open_fraction, TISSUE, ("absent", "present")),
        "focus": values_of_measure(measures.sharpness, FOCUS, ("blurred", "sharp")),
        "open space": values_of_measure(measures.open_fraction, OPEN_SPACE, LEVELS),
        "cellularity": values_of_measure(measures.nuclear_fraction, CELLULARITY, LEVELS),
    }
    if pattern is not None:
        claims["pattern"] = (pattern,)
    if quadrants and (best := clear_quadrant(quadrants)):
        claims["most nuclei"] = (best,)
    return Facts(claims)


def clear_quadrant(quadrants: Mapping[str, float]) -> str | None:
    """Quadrant with most nuclei; None if the margin is under `QUADRANT_MARGIN`."""
    ranked = sorted(quadrants, key=lambda name: quadrants[name], reverse=True)
    first, second = quadrants[ranked[0]], quadrants[ranked[1]]
    return ranked[0] if first > 0 and first >= (1 + QUADRANT_MARGIN) * second else None
