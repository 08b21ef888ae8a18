from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from models.errors import PromptError
from models.messages import Box, ImagePlacement, PixelBudget
from models.placement import (
    box_around,
    cell_at,
    cell_box,
    cells_in_box,
    place_picture,
    resized_size,
    to_pixels,
    token_columns,
)

BUDGET = PixelBudget(3136, 65_536)

sides = st.integers(1, 40_000)
budgets = st.tuples(st.integers(1, 100_000), st.integers(0, 2_000_000)).map(
    lambda pair: PixelBudget(pair[0], pair[0] + pair[1])
)
places = st.floats(-1e5, 1e6, allow_nan=False)
lengths = st.floats(1, 2e5, allow_nan=False)
boxes = st.builds(Box, places, places, lengths, lengths)


@st.composite
def placements(draw: st.DrawFn) -> ImagePlacement:
    """Placements of pictures of any allowed aspect."""
    width = draw(st.integers(1, 3000))
    height = draw(st.integers(max(1, -(-width // 200)), min(3000, width * 200)))
    return place_picture(draw(boxes), width, height, BUDGET)


@given(sides, sides, budgets, st.sampled_from([14, 28, 32]))
def test_the_size_is_the_one_of_the_processor(
    width: int, height: int, budget: PixelBudget, factor: int
) -> None:
    try:
        expected = smart_resize(
            height, width, factor, min_pixels=budget.min_pixels, max_pixels=budget.max_pixels
        )
    except ValueError:
        with pytest.raises(PromptError, match="too narrow"):
            resized_size(width, height, budget, factor=factor)
    else:
        assert resized_size(width, height, budget, factor=factor) == expected[::-1]


@given(sides, sides)
def test_a_resized_picture_is_left_alone(width: int, height: int) -> None:
    if max(width, height) / min(width, height) > 200:
        return
    once = resized_size(width, height, BUDGET)
    if BUDGET.min_pixels <= once[0] * once[1] <= BUDGET.max_pixels:
        assert resized_size(*once, BUDGET) == once


def test_the_budget_of_pathvlm_r1_gives_nine_by_nine() -> None:
    placed = place_picture(Box(0, 0, 1024, 1024), 1024, 1024, BUDGET)
    assert (placed.columns, placed.rows, placed.tokens) == (9, 9, 81)
    assert (placed.pixel_width, placed.pixel_height) == (252, 252)


@given(placements(), st.data())
def test_a_cell_finds_its_way_back(placement: ImagePlacement, data: st.DataObject) -> None:
    column = data.draw(st.integers(0, placement.columns - 1))
    row = data.draw(st.integers(0, placement.rows - 1))
    box = cell_box(placement, column, row)
    middle = box.x + box.width / 2, box.y + box.height / 2
    assert cell_at(placement, *middle) == (column, row)
    assert cell_at(placement, box.x, box.y) == (column, row)
    covered = cells_in_box(placement, box)
    assert covered.sum() == 1
    assert covered[row, column]
    assert box_around(placement, covered) == box


@given(placements(), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_every_point_of_the_box_lies_in_one_cell(
    placement: ImagePlacement, across: float, down: float
) -> None:
    x = placement.box.x + placement.box.width * across
    y = placement.box.y + placement.box.height * down
    if x < placement.box.x + placement.box.width and y < placement.box.y + placement.box.height:
        cell = cell_at(placement, x, y)
        assert cell is not None
        found = cell_box(placement, *cell)
        slack = 1e-9 * (abs(x) + abs(y) + 1)
        assert found.x <= x <= found.x + found.width + slack
        assert found.y <= y <= found.y + found.height + slack


@given(placements())
def test_the_cells_tile_the_box(placement: ImagePlacement) -> None:
    assert cells_in_box(placement, placement.box).all()
    box = placement.box
    found = box_around(placement, np.ones((placement.rows, placement.columns), bool))
    assert found is not None
    assert (found.x, found.y) == (box.x, box.y)
    assert found.width == pytest.approx(box.width, rel=1e-6)
    assert found.height == pytest.approx(box.height, rel=1e-6)


def test_a_cell_is_one_factor_wide_in_resized_pixels() -> None:
    placed = place_picture(Box(1000, 2000, 500, 300), 250, 150, BUDGET)
    pixels = to_pixels(placed, cell_box(placed, 2, 1))
    assert vars(pixels) == pytest.approx({"x": 56, "y": 28, "width": 28, "height": 28})


@pytest.mark.parametrize(("x", "y"), [(-1, 5), (5, -1), (100, 5), (5, 100)])
def test_outside_the_box_is_no_cell(x: float, y: float) -> None:
    placed = place_picture(Box(0, 0, 100, 100), 224, 224, BUDGET)
    assert cell_at(placed, x, y) is None
    assert not cells_in_box(placed, Box(x, y, 0, 0)).any()


def test_no_cells_have_no_box() -> None:
    placed = place_picture(Box(0, 0, 100, 100), 224, 224, BUDGET)
    assert box_around(placed, np.zeros((8, 8), bool)) is None


def test_a_cell_that_is_not_there_is_refused() -> None:
    placed = place_picture(Box(0, 0, 100, 100), 224, 224, BUDGET)
    with pytest.raises(IndexError, match="not in a grid"):
        cell_box(placed, -1, 0)


def test_tokens_of_several_pictures_follow_each_other() -> None:
    first = place_picture(Box(0, 0, 100, 100), 224, 224, BUDGET)
    second = place_picture(Box(0, 0, 100, 50), 112, 56, BUDGET)
    assert token_columns([first, second], 0) == slice(0, 64)
    assert token_columns([first, second], 1) == slice(64, 64 + second.tokens)
    with pytest.raises(IndexError, match="not among"):
        token_columns([first], 1)


@pytest.mark.parametrize(
    ("box", "width", "height"),
    [
        (Box(0, 0, 0, 10), 10, 10),
        (Box(0, 0, 10, float("nan")), 10, 10),
        (Box(0, 0, 10, 10), 0, 10),
        (Box(0, 0, 10, 10), 5000, 10),
    ],
)
def test_what_cannot_be_placed_is_refused(box: Box, width: int, height: int) -> None:
    with pytest.raises(PromptError):
        place_picture(box, width, height, BUDGET)
