"""What a colour profile does to colours as a small table, so that a browser does just the same.

Little CMS evaluates a profile of three primaries exactly, and for 8-bit pictures it replaces every
other one by 33 x 33 x 33 nodes whose spacing follows the profile's greys (`cmsopt.c` of Little CMS
2.16, `OptimizeByComputingLinearization`). A plain grid of nodes misses both by far
where colours leave sRGB. So the table is built in the same two ways, and the one that gives what
ImageCms gives is taken.
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
"""Greys from which Little CMS takes the spacing of its nodes."""

_SLOPE_SHARE = 0.02
"""Share of them at each end that Little CMS replaces by a straight line."""

_SRGB_WHITE = (0.3127, 0.3290, 1.0)
_SRGB_PRIMARIES = (0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0)


@dataclass(frozen=True)
class ColourTable:
    """Corrected colours: curves lead to a place in a grid, whose nodes are interpolated.

    Interpolation is tetrahedral: from the node below along the axis of the largest fraction first.
    """

    curves: NDArray[np.float32]
    """(3, 256): place in the grid, 0 to N - 1, of each value of a channel."""

    nodes: NDArray[np.float32]
    """(N, N, N, 3) by red, green and blue: sRGB values from 0 to 255, or `light`."""

    light: bool
    """Whether nodes are light, 0 to 1 and beyond where a colour is outside sRGB.

    It is to be cut off there and encoded as sRGB after the interpolation.
    """

    def apply(self, colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, 3) colours corrected, as a browser does it."""
        place = np.stack([self.curves[i][colours[:, i]] for i in range(3)], -1).astype(np.float64)
        result = _interpolated(self.nodes, place)
        values = encode_srgb(result) if self.light else result
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def table_candidates(profile: bytes, intent: int, white: tuple[int, ...]) -> Iterator[ColourTable]:
    """Tables for a profile that can be trusted to be one, the likeliest first.

    `intent` is ICC's number of the rendering intent, `white` what becomes of white. Raises
    RuntimeError where Little CMS refuses the profile, and ImportError without imagecodecs.
    """

    def light(colours: Colours) -> Colours:
        """Light of colours from 0 to 1, not cut off where it is outside sRGB."""
        return _to_light(profile, intent, colours)

    yield _of_primaries(light)
    greys = np.linspace(0, 1, _GREYS)
    response = encode_srgb(light(np.repeat(greys[:, None], 3, axis=1))) / 255
    yield _of_nodes(light, [_straight_ends(response[:, i]) for i in range(3)], white)
    yield _of_nodes(light, [greys] * 3, white)


def _of_primaries(light: Callable[[Colours], Colours]) -> ColourTable:
    """Exact where light of three primaries is added, each along a curve of its own."""
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
    """Nodes where the curves of `spacing`, (4096,) from 0 to 1, reach equal steps."""
    inputs, steps = np.linspace(0, 1, _GREYS), np.linspace(0, 1, _LCMS_NODES)
    axes, curves = [], []
    for curve in spacing:
        rising = np.maximum.accumulate(curve)
        axes.append(np.interp(steps, rising, inputs))
        curves.append(np.interp(np.linspace(0, 1, 256), inputs, rising) * (_LCMS_NODES - 1))
    nodes = encode_srgb(_nodes(light, axes).astype(np.float64)).astype(np.float32)
    # Little CMS puts the node of white right
    nodes[-1, -1, -1] = white
    return ColourTable(np.clip(np.array(curves, np.float32), 0, _LCMS_NODES - 1), nodes, False)


def _nodes(light: Callable[[Colours], Colours], axes: list[Colours]) -> NDArray[np.float32]:
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    return light(grid.reshape(-1, 3)).reshape(grid.shape).astype(np.float32)


def _straight_ends(curve: Colours) -> Colours:
    """Little CMS's `SlopeLimiting`: a straight line to 0 and to 1 at the ends of a curve."""
    limited, last = curve.copy(), len(curve) - 1
    begin = int(last * _SLOPE_SHARE + 0.5)
    end = last - begin
    limited[:begin] = curve[begin] / begin * np.arange(begin)
    rest = np.arange(end, last + 1) - end
    limited[end:] = curve[end] + (1 - curve[end]) / begin * rest
    return limited


def _to_light(profile: bytes, intent: int, colours: Colours) -> Colours:
    import imagecodecs  # slow to import, and only slides with a profile need it

    linear = imagecodecs.cms_profile(
        "rgb", whitepoint=_SRGB_WHITE, primaries=_SRGB_PRIMARIES, gamma=1.0
    )
    found = imagecodecs.cms_transform(
        np.ascontiguousarray(colours[None], np.float32),
        profile,
        linear,
        colorspace="rgb",
        outcolorspace="rgb",
        outdtype=np.float32,
        intent=intent,
    )
    return np.asarray(found[0], np.float64)


def encode_srgb(light: Colours) -> Colours:
    """sRGB values from 0 to 255 of light from 0 to 1, cut off there (IEC 61966-2-1)."""
    inside = np.clip(light, 0, 1)
    power = 1.055 * inside ** (1 / 2.4) - 0.055
    return np.asarray(255 * np.where(inside <= 0.0031308, 12.92 * inside, power))


def _interpolated(nodes: NDArray[np.float32], place: Colours) -> Colours:
    """(n, 3) values at places in the grid."""
    base = np.clip(np.floor(place), 0, len(nodes) - 2).astype(np.intp)
    fraction = place - base
    order = np.argsort(-fraction, axis=1, kind="stable")
    falling = np.take_along_axis(fraction, order, axis=1)
    corner, rows = base.copy(), np.arange(len(place))
    found = (1 - falling[:, :1]) * nodes[tuple(corner.T)]
    for i in range(3):
        corner[rows, order[:, i]] += 1
        following = falling[:, i + 1] if i < 2 else 0.0
        found += (falling[:, i] - following)[:, None] * nodes[tuple(corner.T)]
    return np.asarray(found)
