"""Colour profiles as small tables, which a browser applies with the same result as Little CMS.

Little CMS evaluates a profile of three primaries exactly. For 8-bit pictures it replaces every
other profile by 33 x 33 x 33 nodes whose spacing follows the profile's greys (`cmsopt.c` of Little
CMS 5 2.16, `OptimizeByComputingLinearization`). A plain grid of nodes is far from both results
where colours leave sRGB. So this module builds tables in the same two ways; the caller takes the
one that matches ImageCms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float64]
"""(n, 3) red, green, blue."""

_LCMS_NODES = 33
_GREYS = 4096
"""Greys from which Little CMS derives the spacing of its nodes."""

_SLOPE_SHARE = 0.02
"""Share of the greys at each end that Little CMS replaces by a straight line."""

_SRGB_WHITE = (0.3127, 0.3290, 1.0)
_SRGB_PRIMARIES = (0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0)


@dataclass(frozen=True)
class ColourTable:
    """Colour correction: curves map a colour to a place in a grid, whose nodes are interpolated.

    Interpolation is tetrahedral: from the lower node along the axis with the largest fraction
    first.
    """

    curves: NDArray[np.float32]
    """(3, 256): grid position, 0 to N - 1, of each value of a channel."""

    nodes: NDArray[np.float32]
    """(N, N, N, 3) by red, green and blue: sRGB values from 0 to 255, or linear light."""

    light: bool
    """Whether nodes are linear light: 0 to 1, and beyond for colours outside sRGB.

    After interpolation, light must be clipped to 0 to 1 and encoded as sRGB.
    """

    def apply(self, colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (n, 3) colours corrected as a browser does it."""
        place = np.stack([self.curves[i][colours[:, i]] for i in range(3)], -1).astype(np.float64)
        result = _interpolated(self.nodes, place)
        values = encode_srgb(result) if self.light else result
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def table_candidates(profile: bytes, intent: int, white: tuple[int, ...]) -> Iterator[ColourTable]:
    """Yield candidate tables for a valid profile, the likeliest first.

    `intent` is the ICC number of the rendering intent, `white` the corrected white. Raises
    RuntimeError if Little CMS refuses the profile, and ImportError without imagecodecs.
    """

    def light(colours: Colours) -> Colours:
        """Return linear light of colours from 0 to 1, not clipped outside sRGB."""
        return _to_light(profile, intent, colours)

    yield _of_primaries(light)
    greys = np.linspace(0, 1, _GREYS)
    response = encode_srgb(light(np.repeat(greys[:, None], 3, axis=1))) / 255
    yield _of_nodes(light, [_straight_ends(response[:, i]) for i in range(3)], white)
    yield _of_nodes(light, [greys] * 3, white)


def _of_primaries(light: Callable[[Colours], Colours]) -> ColourTable:
    """Return the exact table for a profile of three primaries, each with its own curve."""
    values = np.linspace(0, 1, 256)
    black = light(np.zeros((1, 3)))
    curves = []
    for i in range(3):
        ramp = np.zeros((256, 3))
        ramp[:, i] = values
        along = light(ramp) - black
        most = along[-1]
        curves.append(along @ most / max(float(most @ most), 1e-9))
    return ColourTable(
        np.array(curves, np.float32), _nodes(light, [np.array([0.0, 1.0])] * 3), True
    )


def _of_nodes(
    light: Callable[[Colours], Colours], spacing: list[Colours], white: tuple[int, ...]
) -> ColourTable:
    """Return nodes where the curves of `spacing`, (4096,) from 0 to 1, reach equal steps."""
    inputs, steps = np.linspace(0, 1, _GREYS), np.linspace(0, 1, _LCMS_NODES)
    axes, curves = [], []
    for curve in spacing:
        rising = np.maximum.accumulate(curve)
        axes.append(np.interp(steps, rising, inputs))
        curves.append(np.interp(np.linspace(0, 1, 256), inputs, rising) * (_LCMS_NODES - 1))
    nodes = encode_srgb(_nodes(light, axes).astype(np.float64)).astype(np.float32)
    # Little CMS corrects the node of white
    nodes[-1, -1, -1] = white
    return ColourTable(np.clip(np.array(curves, np.float32), 0, _LCMS_NODES - 1), nodes, False)


def _nodes(light: Callable[[Colours], Colours], axes: list[Colours]) -> NDArray[np.float32]:
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    return light(grid.reshape(-1, 3)).reshape(grid.shape).astype(np.float32)


def _straight_ends(curve: Colours) -> Colours:
    """Make both ends of a curve straight lines, to 0 and to 1: Little CMS's `SlopeLimiting`."""
    limited, last = curve.copy(), len(curve) - 1
    begin = int(last * _SLOPE_SHARE + 0.5)
    end = last - begin
    limited[:begin] = curve[begin] / begin * np.arange(begin)
    rest = np.arange(end, last + 1) - end
    limited[end:] = curve[end] + (1 - curve[end]) / begin * rest
    return limited


def _to_light(profile: bytes, intent: int, colours: Colours) -> Colours:
    import imagecodecs  # slow to import; only slides with a profile need it

    linear = imagecodecs.cms_profile(
        "rgb", whitepoint=_SRGB_WHITE, primaries=_SRGB_PRIMARIES, gamma=1.0
    )
    transformed = imagecodecs.cms_transform(
        np.ascontiguousarray(colours[None], np.float32),
        profile,
        linear,
        colorspace="rgb",
        outcolorspace="rgb",
        outdtype=np.float32,
        intent=intent,
    )
    return np.asarray(transformed[0], np.float64)


def encode_srgb(light: Colours) -> Colours:
    """Return sRGB values from 0 to 255 of light clipped to 0 to 1 (IEC 61966-2-1)."""
    inside = np.clip(light, 0, 1)
    power = 1.055 * inside ** (1 / 2.4) - 0.055
    return np.asarray(255 * np.where(inside <= 0.0031308, 12.92 * inside, power))


def _interpolated(nodes: NDArray[np.float32], place: Colours) -> Colours:
    """Return (n, 3) values at positions in the grid."""
    base = np.clip(np.floor(place), 0, len(nodes) - 2).astype(np.intp)
    fraction = place - base
    order = np.argsort(-fraction, axis=1, kind="stable")
    falling = np.take_along_axis(fraction, order, axis=1)
    corner, rows = base.copy(), np.arange(len(place))
    interpolated = (1 - falling[:, :1]) * nodes[tuple(corner.T)]
    for i in range(3):
        corner[rows, order[:, i]] += 1
        following = falling[:, i + 1] if i < 2 else 0.0
        interpolated += (falling[:, i] - following)[:, None] * nodes[tuple(corner.T)]
    return np.asarray(interpolated)
