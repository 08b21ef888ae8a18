"""Colour maps of attention: perceptually uniform and safe for colour-blind people."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor
from plotly.colors import sequential

COLOUR_MAPS = {
    name: tuple(ImageColor.getrgb(colour)[:3] for colour in stops)
    for name, stops in (
        ("viridis", sequential.Viridis),
        ("cividis", sequential.Cividis),
        ("magma", sequential.Magma),
    )
}
"""Evenly spaced RGB stops from low to high; colours between stops are interpolated."""


@cache
def colour_table(name: str = "viridis") -> NDArray[np.uint8]:
    """Return a colour map as (256, 3) RGB, from low to high."""
    stops = np.array(COLOUR_MAPS[name], np.float64)
    at = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    table: NDArray[np.uint8] = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    table.flags.writeable = False
    return table
