"""A mark is read and drawn where it lies, whatever way a pyramid's sizes were rounded or padded."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian

from pathviewer.slides.geometry import Downsample, Region
from pathviewer.slides.slide import Slide
from pathviewer.slides.tile_cache import TileCache
from pathviewer.slides.tiles import TileSource
from tests import dicom_files
from tests.corpus import codecs
from tests.corpus.tiff import BLACK_IS_ZERO, Layout, write_levels

DARK, BRIGHT = 20, 240
TILE = 128
MEASURED = 0.25
"""Of a pixel, how exactly the middle of a mark can be measured in a small picture."""
NOISE = 30
"""Brightness that JPEG leaves around a mark in a tile."""
_MPP = 0.5
Grey = NDArray[np.uint8]
Rounding = Callable[[float], int]


def up_to_tiles(side: float) -> int:
    """A side filled up to whole tiles."""
    return math.ceil(math.ceil(side) / TILE) * TILE


@dataclass(frozen=True)
class Pyramid:
    """A slide to be written."""

    width: int
    """Of level 0."""

    height: int
    """Of level 0."""

    factors: tuple[float, ...] = ()
    """Of the coarser levels."""

    across: Rounding = math.floor
    """How their widths come about."""

    down: Rounding = math.floor
    """How their heights come about."""

    place: tuple[float, float] = (0.4, 0.7)
    """Of the mark, as a share of the room that it has."""

    side: int = field(default=24)
    """Of the mark, in level-0 pixels."""

    @property
    def mark(self) -> Region:
        """The mark, in level-0 pixels."""
        wide, high = min(self.side, self.width), min(self.side, self.height)
        x, y = self.place
        return Region(round(x * (self.width - wide)), round(y * (self.height - high)), wide, high)

    @property
    def middle(self) -> tuple[float, float]:
        """Of the mark, in level-0 pixels."""
        mark = self.mark
        return mark.x + mark.width / 2, mark.y + mark.height / 2

    def contrast(self, downsample: Downsample) -> float:
        """How much brighter than its surroundings the mark is in a level of this downsample.

        On a slide of one pixel's width a coarse level shows only that pixel's share of one.
        """
        factor = max(downsample.x, downsample.y)
        shares = (min(1.0, side / factor) for side in (self.mark.width, self.mark.height))
        return (BRIGHT - DARK) * math.prod(shares)

    def levels(self) -> list[Grey]:
        """The pixels of every level; those beyond the slide are dark."""
        sizes = [
            (max(1, self.across(self.width / factor)), max(1, self.down(self.height / factor)))
            for factor in self.factors
        ]
        stored = zip((1.0, *self.factors), ((self.width, self.height), *sizes), strict=True)
        return [self._level(factor, size) for factor, size in stored]

    def _level(self, factor: float, size: tuple[int, int]) -> Grey:
        mark = self.mark
        across = covered(mark.x / factor, (mark.x + mark.width) / factor, size[0])
        down = covered(mark.y / factor, (mark.y + mark.height) / factor, size[1])
        return np.rint(DARK + (BRIGHT - DARK) * np.outer(down, across)).astype(np.uint8)


def covered(start: float, stop: float, count: int) -> NDArray[np.float64]:
    """Which share of each of `count` pixels lies between two places."""
    edges = np.clip(np.arange(count + 1), start, stop)
    return np.diff(edges)


def middle_of(pixels: Grey, noise: int) -> tuple[float, float]:
    """(x, y) of the mark in a picture, in its pixels; what JPEG leaves around it counts nothing."""
    weights = np.clip(pixels.astype(float) - DARK - noise, 0, None)
    across, down = weights.sum(axis=0), weights.sum(axis=1)
    assert weights.sum() > 0, "there is no mark"
    centres = np.arange(len(across)) + 0.5, np.arange(len(down)) + 0.5
    return float(across @ centres[0] / across.sum()), float(down @ centres[1] / down.sum())


@cache
def encoded(tile: bytes) -> bytes:
    """Deflate; most tiles are the same."""
    return codecs.DEFLATE.encode(np.frombuffer(tile, np.uint8))


def write_tiff(path: Path, pyramid: Pyramid) -> None:
    codec = codecs.Codec(8, lambda tile: encoded(tile.tobytes()))
    layout = Layout(codec, BLACK_IS_ZERO, (TILE, TILE))
    write_levels(path, pyramid.levels(), layout)


def write_dicom(folder: Path, pyramid: Pyramid) -> Path:
    """The same in DICOM, where the spacing states the factors."""
    return dicom_files.write_dicom(
        folder,
        encode=lambda tile: tile.tobytes(),
        photometric="RGB",
        pack=dicom_files.native,
        tile=TILE,
        levels=[np.repeat(level[..., None], 3, axis=2) for level in pyramid.levels()],
        spacings=[(_MPP * factor, _MPP * factor) for factor in (1.0, *pyramid.factors)],
        syntax=ExplicitVRLittleEndian,
    )


def check_marks(path: Path, pyramid: Pyramid) -> None:
    """The mark is in every level's tiles and in regions of many scales."""
    with closing(Slide(path, "x")) as slide:
        check_tiles(slide, pyramid)
        for scale in (1.0, 1.7, 2.0, 3.3, 4.0, 7.3):
            check_region(slide, pyramid, scale)


def check_tiles(slide: Slide, pyramid: Pyramid) -> None:
    source = TileSource(slide, 95, TileCache(2**24))
    for index, level in enumerate(source.levels):
        x, y = pyramid.middle
        l_x, l_y = x / level.downsample.x, y / level.downsample.y
        if pyramid.side / level.downsample.mean < 3 or pyramid.contrast(level.downsample) <= NOISE:
            continue  # too small or too faint to be measured
        wide, high = level.tile_width, level.tile_height
        columns = [c for c in (int(l_x / wide - 0.5), int(l_x / wide + 0.5)) if c < level.columns]
        rows = [r for r in (int(l_y / high - 0.5), int(l_y / high + 0.5)) if r < level.rows]
        columns, rows = sorted({max(0, c) for c in columns}), sorted({max(0, r) for r in rows})
        drawn = joined(source, index, columns, rows)
        left, top = columns[0] * wide, rows[0] * high
        drawn_x, drawn_y = middle_of(drawn, NOISE)
        assert abs(left + drawn_x - l_x) <= 1 + MEASURED, (index, level)
        assert abs(top + drawn_y - l_y) <= 1 + MEASURED, (index, level)


def joined(source: TileSource, level: int, columns: Sequence[int], rows: Sequence[int]) -> Grey:
    """Tiles of a level side by side, grey."""
    return np.concatenate(
        [
            np.concatenate(
                [
                    simplejpeg.decode_jpeg(source.tile(level, column, row).jpeg, "GRAY")[..., 0]
                    for column in columns
                ],
                axis=1,
            )
            for row in rows
        ]
    )


def check_region(slide: Slide, pyramid: Pyramid, scale: float) -> None:
    """A region around the mark, reduced by about `scale`."""
    mark, room = pyramid.mark, round(40 * scale)
    left, top = max(0, mark.x - room), max(0, mark.y - room - 3)
    right = min(slide.width, mark.x + mark.width + room)
    bottom = min(slide.height, mark.y + mark.height + room + 2)
    region = Region(left, top, right - left, bottom - top)
    most = max(1, int(region.width * region.height / scale**2))
    picture = slide.read_region(region, most)
    scales = region.width / picture.width, region.height / picture.height
    if pyramid.side < 2 * max(scales):
        return  # too small to be measured
    fitting = [
        level.downsample
        for level in slide.levels
        if level.downsample.x <= scales[0] * 1.001 and level.downsample.y <= scales[1] * 1.001
    ]
    used = max(fitting, key=lambda downsample: downsample.mean, default=slide.levels[0].downsample)
    drawn_x, drawn_y = middle_of(np.asarray(picture)[..., 1], 3)
    x, y = pyramid.middle
    assert abs(left + drawn_x * scales[0] - x) <= used.x + MEASURED * scales[0], scale
    assert abs(top + drawn_y * scales[1] - y) <= used.y + MEASURED * scales[1], scale


roundings = st.sampled_from([math.floor, math.ceil, round])
shares = st.floats(0, 1)
factors = st.sampled_from([(), (2,), (3,), (3.99,), (4,), (16,), (2, 4, 8), (4, 16), (3, 9)])


def pyramids(least: int) -> st.SearchStrategy[Pyramid]:
    """Pyramids whose sides have `least` to 900 pixels."""
    return st.builds(
        Pyramid,
        width=st.integers(least, 900),
        height=st.integers(least, 900),
        factors=factors,
        across=roundings,
        down=roundings,
        place=st.tuples(shares, shares),
        side=st.integers(12, 64),
    )


@given(pyramids(1))
@settings(max_examples=40, deadline=None)
@example(Pyramid(1999, 24000, (4, 16, 64), place=(0.9, 0.999), side=64))  # a core biopsy
@example(Pyramid(1999, 24000, (2, 3.99, 16), math.ceil, round, (0.999, 0.5), 64))
@example(Pyramid(1, 700, (4,), math.ceil))
@example(Pyramid(700, 1, (16,)))
@example(Pyramid(1, 1))
@example(Pyramid(1, 253, (3, 9), math.ceil, round, (0.9, 0.01), 62))  # faint in coarse levels
@example(Pyramid(1030, 515, (2, 4), up_to_tiles, up_to_tiles))  # padded without a word of it
def test_a_mark_of_a_tiff_pyramid_is_where_it_lies(pyramid: Pyramid) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.tif"
        write_tiff(path, pyramid)
        check_marks(path, pyramid)


@given(pyramids(40))
@settings(max_examples=15, deadline=None)
@example(Pyramid(915, 733, (2, 4), up_to_tiles, up_to_tiles))
@example(Pyramid(1030, 515, (4, 16), up_to_tiles, up_to_tiles, (1, 1), 64))
def test_a_mark_of_a_dicom_series_is_where_it_lies(pyramid: Pyramid) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_marks(write_dicom(Path(folder) / "series", pyramid), pyramid)


def test_a_mark_beside_its_place_is_found_out() -> None:
    """The control: what must fail does."""
    pyramid = Pyramid(600, 400, (4,))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.tif"
        write_tiff(path, pyramid)
        mark = pyramid.mark
        beside = Pyramid(600, 400, (4,), place=((mark.x + 2) / (600 - mark.width), 0.7))
        with pytest.raises(AssertionError):
            check_marks(path, beside)
