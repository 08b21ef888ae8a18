"""Positions of a file's levels on the slide: the exact factor of each axis, if known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pathviewer.slides import user_messages
from pathviewer.slides.formats.base import FileLevel, UnusedPage
from pathviewer.slides.geometry import FULL, Downsample

_STATED_ERROR = 0.01
"""Relative error of a stated factor, such as a ratio of rounded pixel spacings."""

_MOST_FACTORS = 4096
"""Most whole factors tried for a level that may be padded."""

Size = tuple[int, int]
"""(width, height) in pixels."""


@dataclass(frozen=True)
class NativeLevel:
    """A level of the file whose position on the slide is known."""

    index: int
    """Index among the levels of the file."""

    width: int
    """Width of the part that shows the slide, in the level's own pixels."""

    height: int
    """Height of the part that shows the slide, in the level's own pixels."""

    stored: Size
    """(width, height) in the file, including any padding on the right and at the bottom."""

    downsample: Downsample
    """Level-0 pixels per pixel of the level."""

    tile_size: Size | None
    """(width, height) of the file's own tiles, `None` if unknown."""


def place_levels(levels: Sequence[FileLevel]) -> tuple[NativeLevel, ...]:
    """Return the levels whose position is known, the finest first.

    Levels with an unknown factor are omitted, and pages that are not levels, such as a label stored
    as one.
    """
    base = levels[0].width, levels[0].height
    placed = []
    for index, level in enumerate(levels):
        stored = level.width, level.height
        downsample = FULL if index == 0 else _downsample(base, level)
        if downsample is not None:
            width = min(level.width, math.ceil(base[0] / downsample.x - 1e-6))
            height = min(level.height, math.ceil(base[1] / downsample.y - 1e-6))
            placed.append(NativeLevel(index, width, height, stored, downsample, level.tile_size))
    return tuple(placed)


def pages_left_out(levels: Sequence[FileLevel]) -> tuple[UnusedPage, ...]:
    """Return the levels that `place_levels` omits, with the reasons."""
    base = levels[0].width, levels[0].height
    return tuple(
        UnusedPage(
            level.width,
            level.height,
            None,
            user_messages.PAGE_MAY_BE_PADDED
            if _may_be_padded(base, level)
            else user_messages.PAGE_OF_OTHER_SHAPE,
        )
        for level in levels[1:]
        if _downsample(base, level) is None
    )


def _downsample(base: Size, level: FileLevel) -> Downsample | None:
    """Return the factors of a level: stated by the file, or from its size, or `None`."""
    size = level.width, level.height
    if level.stated_downsample is not None:
        stated_factors = _stated(base, size, level.stated_downsample, level.tile_size or (1, 1))
        if stated_factors is not None:
            return stated_factors
    whole_factor = _whole_factor(base, size)
    if whole_factor is not None:
        return Downsample(whole_factor, whole_factor)
    (least_x, most_x), (least_y, most_y) = _rounding_range(base, size)
    same = max(least_x, least_y) < min(most_x, most_y)
    if not same or _may_be_padded(base, level):
        return None
    return Downsample(base[0] / size[0], base[1] / size[1])


def _rounding_range(base: Size, size: Size) -> list[tuple[float, float]]:
    """For each axis, return the range of factors of which `size` is the rounded result."""
    return [
        (whole / (part + 1), whole / (part - 1) if part > 1 else math.inf)
        for whole, part in zip(base, size, strict=True)
    ]


def _whole_factor(base: Size, size: Size) -> float | None:
    """Return the whole factor of which both sides are the rounded result, `None` if there is none.

    The longer side determines the factor best.
    """
    longer = 0 if size[0] >= size[1] else 1
    factor = max(1, round(base[longer] / size[longer]))
    power = 2 ** round(math.log2(factor))
    ranges = _rounding_range(base, size)
    for candidate in (power, factor):
        if all(least < candidate < most for least, most in ranges):
            return float(candidate)
    return None


def _may_be_padded(base: Size, level: FileLevel) -> bool:
    """Return whether a level may be padded to whole tiles, so that its size gives no factor."""
    if level.tile_size is None:
        return False
    size = level.width, level.height
    if any(side % tile for side, tile in zip(size, level.tile_size, strict=True)):
        return False
    # padded along x by less than a tile: the factors that give such a width
    least = math.floor(base[0] / (size[0] + 1))
    most = math.ceil(base[0] / max(1, size[0] - level.tile_size[0]))
    return any(
        _filled(base, factor, level.tile_size) == size
        for factor in range(max(1, least), min(most, least + _MOST_FACTORS) + 1)
    )


def _filled(base: Size, factor: int, tile: Size) -> Size:
    """Return the size of a level that is padded to whole tiles."""
    width, height = (
        math.ceil(math.ceil(side / factor) / part) * part
        for side, part in zip(base, tile, strict=True)
    )
    return width, height


def _stated(base: Size, size: Size, stated: tuple[float, float], tile: Size) -> Downsample | None:
    """Return stated factors, rounded if nearly whole; `None` if the size contradicts them."""
    factors = [_stated_factor(*axis) for axis in zip(base, size, stated, tile, strict=True)]
    if factors[0] is None or factors[1] is None:
        return None
    return Downsample(factors[0], factors[1])


def _stated_factor(base: int, size: int, stated: float, tile: int) -> float | None:
    """Return one axis's factor that explains the size by rounding, or by padding to whole tiles."""
    if not (math.isfinite(stated) and stated >= 1 - _STATED_ERROR):
        return None
    near = max(1.0, float(round(stated)))
    candidates = [near] if abs(stated - near) <= _STATED_ERROR * near else []
    candidates.append(stated)
    for most in (1, max(1, tile)):
        for factor in candidates:
            content = base / factor
            if content - 1 < size < content + most:
                return factor
    return None
