"""Laws of the coordinate frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.slides.errors import RegionError, TileNotFound
from pathviewer.slides.geometry import (
    FULL,
    Downsample,
    Level,
    Region,
    check_inside,
    reduced_size,
    tile_box,
    to_base,
    to_level,
)

places = st.integers(0, 200_000)
sizes = st.integers(1, 200_000)
regions = st.builds(Region, places, places, sizes, sizes)
l_regions = st.builds(Region, *[st.integers(0, 20_000)] * 2, *[st.integers(1, 20_000)] * 2)
factors = st.sampled_from([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
powers = st.builds(Downsample, factors, factors)
downsamples = st.builds(Downsample, *[st.floats(1.0, 64.0, allow_nan=False)] * 2)
levels = st.builds(
    Level,
    *[st.integers(1, 5_000)] * 2,
    st.just(FULL),
    *[st.integers(1, 600)] * 2,
    st.booleans(),
    st.booleans(),
)


def encloses(outer: Region, inner: Region) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and outer.x + outer.width >= inner.x + inner.width
        and outer.y + outer.height >= inner.y + inner.height
    )


@given(l_regions, powers)
def test_a_box_of_a_level_comes_back_from_level_0(l_region: Region, downsample: Downsample) -> None:
    assert to_level(to_base(l_region, downsample), downsample) == l_region


@given(regions, downsamples)
def test_rounding_outwards_loses_nothing(region: Region, downsample: Downsample) -> None:
    assert encloses(to_base(to_level(region, downsample), downsample), region)


@given(levels)
def test_tiles_cover_a_level_once(level: Level) -> None:
    right = tile_box(level, level.columns - 1, 0)
    bottom = tile_box(level, 0, level.rows - 1)
    assert right.x + right.width == level.width
    assert bottom.y + bottom.height == level.height
    assert right.width > 0
    assert bottom.height > 0


@given(levels, st.integers(), st.integers())
def test_a_tile_is_inside_or_refused(level: Level, column: int, row: int) -> None:
    inside = 0 <= column < level.columns and 0 <= row < level.rows
    if not inside:
        with pytest.raises(TileNotFound):
            tile_box(level, column, row)
    else:
        box = tile_box(level, column, row)
        check_inside(box, level.width, level.height)


@given(sizes, sizes, st.integers(1, 10_000_000))
def test_a_reduced_size_fits(width: int, height: int, max_pixels: int) -> None:
    out_width, out_height = reduced_size(width, height, max_pixels)
    assert 1 <= out_width <= width
    assert 1 <= out_height <= height
    assert out_width * out_height <= max_pixels


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        (Region(0, 0, 0, 5), "no width"),
        (Region(0, 0, 5, -1), "negative height"),
        (Region(-1, 0, 5, 5), "left of the slide"),
        (Region(0, -1, 5, 5), "above the slide"),
        (Region(96, 0, 5, 5), "one pixel beyond the right edge"),
        (Region(0, 46, 5, 5), "one pixel beyond the bottom edge"),
        (Region(10**30, 0, 5, 5), "larger than any machine integer"),
    ],
)
def test_a_region_outside_is_refused(region: Region, reason: str) -> None:
    with pytest.raises(RegionError):
        check_inside(region, 100, 50)


def test_a_refusal_names_the_numbers_and_the_limit() -> None:
    with pytest.raises(RegionError, match=r"\(96, 0\) to \(101, 5\).*100 x 50"):
        check_inside(Region(96, 0, 5, 5), 100, 50)
    with pytest.raises(RegionError, match="max_pixels"):
        reduced_size(10, 10, 0)
