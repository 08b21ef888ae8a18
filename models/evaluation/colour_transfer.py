"""A picture in the colours of another: form stays, the stain's look changes.

Means and standard deviations of the channels are transferred as by Reinhard et al. (IEEE Comput
Graph Appl 2001; 21(5): 34-41), but of optical densities, which stains add up in, and of tissue
alone: open space stays as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OPEN_DENSITY = 0.15
"""Mean optical density (natural logarithm) below which a pixel is open space."""


def transfer_colours(picture: Image.Image, source: Image.Image) -> Image.Image:
    """Return an RGB picture whose tissue has the colours of that in `source`, also RGB.

    The picture is returned unchanged if either has no tissue.
    """
    density, wanted = _density(picture), _density(source)
    tissue, wanted_tissue = _tissue(density), _tissue(wanted)
    if not tissue.any() or not wanted_tissue.any():
        return picture
    here, there = density[tissue], wanted[wanted_tissue]
    spread = np.maximum(here.std(0), 1e-6)
    density[tissue] = (here - here.mean(0)) / spread * there.std(0) + there.mean(0)
    pixels = 255 * np.exp(-np.clip(density, 0, None))
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


def _density(picture: Image.Image) -> NDArray[np.float64]:
    """(height, width, 3): optical densities."""
    return -np.log((np.asarray(picture, np.float64) + 1) / 256)


def _tissue(density: NDArray[np.float64]) -> NDArray[np.bool_]:
    tissue: NDArray[np.bool_] = density.mean(2) >= OPEN_DENSITY
    return tissue
