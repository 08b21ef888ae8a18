"""Levels for which tiles are served: the file's own, and intermediate ones made from finer ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pathviewer.slides.geometry import Level
from pathviewer.slides.level_geometry import NativeLevel
from pathviewer.slides.raw_tiles import RawLevel, is_tile_size

_FACTORS = (2, 4, 8)
"""Reductions that a JPEG decoder performs while decoding."""

_GRID = 256
"""Tile side of levels whose own tiles cannot be used."""

_OWN_GRID = range(128, 1025)
"""Sides at which the file's own tile size is used for re-encoded tiles."""

_NEAR = 1.5
"""Levels closer together than this need no intermediate level."""


@dataclass(frozen=True)
class Step:
    """A level and the source of its tiles."""

    level: Level
    """The served level."""

    native: int | None
    """Index among the file's levels, `None` if made from a finer step."""

    raw: RawLevel | None
    """The file's own tiles, `None` if they are not served unchanged."""

    source: int
    """Index of the finer step from which this one is made."""

    factor: int
    """Pixels of that step per pixel of this one, in each direction."""

    def finer_tiles(self, column: int, row: int, finer: Level) -> tuple[range, range]:
        """Return columns and rows of the finer level `finer` beneath one of this step's tiles."""
        left, top = column * self.factor, row * self.factor
        columns = range(left, min(left + self.factor, finer.columns))
        return columns, range(top, min(top + self.factor, finer.rows))


def steps_of(levels: tuple[NativeLevel, ...], raws: dict[int, RawLevel]) -> Iterator[Step]:
    """Yield the file's levels, with intermediate ones where the next level is far or missing."""
    count = 0
    for index, native in enumerate(levels):
        level = _native_level(native, index in raws)
        yield Step(level, index, raws.get(index), count, 1)
        source, count = count, count + 1
        following = levels[index + 1].downsample.mean if index + 1 < len(levels) else None
        finer = level
        while not _ends(finer, following):
            for factor in _FACTORS:
                if _ends(finer, following):
                    break
                finer = _reduced_level(level, factor)
                yield Step(finer, None, None, source, factor)
                count += 1
            level, source = finer, count - 1


def base_of(steps: tuple[Step, ...], level: int) -> tuple[int, int]:
    """Return (index, factor) of the file's level from which a level is made, across all steps.

    `factor` is the number of its pixels per pixel of the level, in each direction.
    """
    factor = 1
    while steps[level].native is None:
        factor *= steps[level].factor
        level = steps[level].source
    return level, factor


def _ends(last: Level, following: float | None) -> bool:
    """Return whether no intermediate level is needed after `last`."""
    if following is None:
        return last.columns == last.rows == 1
    return last.downsample.mean * 2 * _NEAR > following


def _native_level(native: NativeLevel, passed: bool) -> Level:
    width, height = native.tile_size or (_GRID, _GRID)
    keeps_grid = is_tile_size(width, height) and width in _OWN_GRID and height in _OWN_GRID
    if not passed and not keeps_grid:
        width = height = _GRID
    return Level(native.width, native.height, native.downsample, width, height, True, passed)


def _reduced_level(level: Level, factor: int) -> Level:
    width, height = -(-level.width // factor), -(-level.height // factor)
    tile = level.tile_width, level.tile_height
    return Level(width, height, level.downsample.times(factor), *tile, False, False)
