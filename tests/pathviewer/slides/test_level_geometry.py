"""Where levels lie: exact factors where sizes are rounded or padded, none where they tell none."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.slides.formats.base import FileLevel
from pathviewer.slides.geometry import Downsample
from pathviewer.slides.level_geometry import place_levels
from pathviewer.slides.slide import Slide
from tests import dicom_series, slide_files

sides = st.integers(1, 120_000)
factors = st.sampled_from([2.0, 3.0, 3.99, 4.0, 16.0])
roundings = st.sampled_from([math.floor, math.ceil, round])


def level(width: int, height: int, *, tile: int = 240, stated: float | None = None) -> FileLevel:
    """A level of a file; `stated` is its factor along both axes."""
    both = None if stated is None else (stated, stated)
    return FileLevel(width, height, both, (tile, tile))


@given(sides, sides, factors, roundings, roundings)
def test_rounded_sizes_are_placed_within_a_pixel(
    width: int, height: int, factor: float, across: object, down: object
) -> None:
    """Whatever way a scanner rounds the sizes of a level, and each axis by itself."""
    assert callable(across)
    assert callable(down)
    size = max(1, across(width / factor)), max(1, down(height / factor))
    placed = place_levels([level(width, height), level(*size)])
    if len(placed) == 1:  # multiples of the tile that padding explains as well
        assert not size[0] % 240 and not size[1] % 240
        return
    downsample = placed[1].downsample
    # sizes up to about 400 px that 3.99 rounds down are also those that 4 rounds up
    most = 2 if factor == 3.99 and downsample.x == 4 else 1
    assert abs(width / downsample.x - width / factor) <= most
    assert abs(height / downsample.y - height / factor) <= most


@pytest.mark.parametrize(
    ("base", "size"),
    [
        ((1999, 24000), (499, 6000)),  # a core biopsy, each level a pixel short
        ((1999, 24000), (124, 1500)),
        ((1999, 24000), (31, 375)),
        ((2220, 2967), (1, 1)),  # a single pixel
        ((1, 100_000), (1, 25_000)),  # a single column
    ],
)
def test_powers_are_exact(base: tuple[int, int], size: tuple[int, int]) -> None:
    _, placed = place_levels([level(*base), level(*size)])
    assert placed.downsample.x == placed.downsample.y == 2 ** round(math.log2(placed.downsample.x))


@given(sides, sides, st.sampled_from([2, 4, 8, 16]), st.sampled_from([128, 256, 512]))
def test_padding_is_cut_off_where_the_file_states_the_factor(
    width: int, height: int, factor: int, tile: int
) -> None:
    padded = [math.ceil(side / factor / tile) * tile for side in (width, height)]
    levels = [level(width, height), level(*padded, tile=tile, stated=factor * 1.0001)]
    _, placed = place_levels(levels)
    assert placed.downsample == Downsample(factor, factor)
    assert (placed.width, placed.height) == (math.ceil(width / factor), math.ceil(height / factor))


@pytest.mark.parametrize(
    ("base", "other"),
    [
        ((900, 600), level(200, 120, tile=128)),  # a label that was stored as tiles
        ((4000, 4000), level(1024, 1024, tile=256)),  # 4 with padding, or 3.906
        ((3900, 3900), level(1536, 1536, tile=256)),  # 3 with padding, or 2.539
        ((1536, 3072), level(512, 768, tile=256)),  # padded along one axis
    ],
)
def test_what_cannot_be_placed_is_left_out(base: tuple[int, int], other: FileLevel) -> None:
    placed = place_levels([level(*base), other, level(base[0] // 8, base[1] // 8)])
    assert [native.index for native in placed] == [0, 2]


def test_a_statement_that_the_sizes_allow_outweighs_a_whole_factor() -> None:
    """Both 4 and 3.85 give a level of 20 x 15 px when rounded up or down."""
    _, placed = place_levels([level(79, 59), level(20, 15, stated=3.85)])
    assert placed.downsample == Downsample(3.85, 3.85)
    _, placed = place_levels([level(79, 59), level(20, 15)])
    assert placed.downsample == Downsample(4, 4)


def test_a_size_outweighs_a_statement_that_it_denies() -> None:
    """Converters copy the spacing of level 0 to all levels."""
    _, placed = place_levels([level(8000, 6000), level(2000, 1500, stated=1.0)])
    assert placed.downsample == Downsample(4, 4)


@pytest.mark.parametrize("stated", [math.inf, math.nan, 0.0, -4.0, 0.5])
def test_an_absurd_statement_is_not_believed(stated: float) -> None:
    _, placed = place_levels([level(8000, 6000), level(2000, 1500, stated=stated)])
    assert placed.downsample == Downsample(4, 4)


def test_padded_dicom_levels_lie_where_their_spacing_says(tmp_path: Path) -> None:
    paths = dicom_series.write_series(tmp_path, 96, 32, factors=(1, 4))
    slide = Slide(paths[0], "x")
    assert slide.levels[1].downsample == Downsample(4, 4)
    assert (slide.levels[1].width, slide.levels[1].stored) == (24, (32, 32))


def test_a_label_among_the_levels_is_not_shown(tmp_path: Path) -> None:
    pages = [
        slide_files.tissue(900, 600),
        slide_files.tissue(225, 150),
        slide_files.tissue(200, 120),
    ]
    path = slide_files.write_encoded(tmp_path / "x.tiff", pages, slide_files.ycbcr_jpeg)
    assert [native.width for native in Slide(path, "x").levels] == [900, 225]
