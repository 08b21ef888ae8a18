"""Colours of haematoxylin and eosin as a scanner sees them.

Beer-Lambert: a stain absorbs light by its optical density, so densities add and colours multiply:
RGB = white * exp(-(h * HAEMATOXYLIN + e * EOSIN)). The directions are the haematoxylin and eosin
vectors of Ruifrok and Johnston, "Quantification of histochemical staining by color deconvolution",
Anal Quant Cytol Histol 23 (2001), as remeasured for ImageJ's colour deconvolution by G. Landini
("H&E 2").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HAEMATOXYLIN = (0.490, 0.769, 0.410)
EOSIN = (0.046, 0.842, 0.537)
WHITE = (244, 244, 243)
"""Colour of bare glass."""

UNITS_PER_DENSITY = 100.0
"""Stain is stored as whole numbers, 0 to 255, in hundredths of optical density."""


def colour_table() -> NDArray[np.uint32]:
    """Return RGBX bytes of all pairs of stain amounts, indexed by `haematoxylin << 8 | eosin`."""
    amount = np.arange(256) / UNITS_PER_DENSITY
    haematoxylin, eosin = np.meshgrid(amount, amount, indexing="ij")
    table = np.zeros((256, 256, 4), np.uint8)
    for channel in range(3):
        density = haematoxylin * HAEMATOXYLIN[channel] + eosin * EOSIN[channel]
        table[..., channel] = np.rint(WHITE[channel] * np.exp(-density))
    return table.view(np.uint32).reshape(-1)


def to_colour(
    haematoxylin: NDArray[np.uint8], eosin: NDArray[np.uint8], table: NDArray[np.uint32]
) -> NDArray[np.uint8]:
    """Return (height, width, 4) RGBX bytes of two (height, width) stain images."""
    index = haematoxylin.astype(np.uint16)
    index <<= np.uint16(8)
    index |= eosin
    colours: NDArray[np.uint8] = table.take(index).view(np.uint8)
    return colours.reshape(*haematoxylin.shape, 4)
