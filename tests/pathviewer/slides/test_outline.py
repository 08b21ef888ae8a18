"""Boxes, sides and areas of what is drawn."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.slides.errors import RegionError
from pathviewer.slides.geometry import Region
from pathviewer.slides.outline import (
    Outline,
    Point,
    area,
    bounding_box,
    check_outline,
    side_lengths,
)


def rectangle(angle: float, width: float = 200, height: float = 100) -> Outline:
    """A rectangle turned by so many degrees about (500, 500)."""
    turn = math.radians(angle)
    corners = ((-width, -height), (width, -height), (width, height), (-width, height))
    points = tuple(
        (
            500 + (x * math.cos(turn) - y * math.sin(turn)) / 2,
            500 + (x * math.sin(turn) + y * math.cos(turn)) / 2,
        )
        for x, y in corners
    )
    return Outline("rectangle", points)


def test_the_box_is_rounded_outwards() -> None:
    points = ((10.2, 20.9), (30.1, 20.9), (30.1, 40.0), (10.2, 40.0))
    assert bounding_box(points) == Region(10, 20, 21, 20)


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)), min_size=1, max_size=20))
def test_the_box_holds_every_point(points: list[Point]) -> None:
    box = bounding_box(points)
    for x, y in points:
        assert box.x <= x <= box.x + box.width
        assert box.y <= y <= box.y + box.height


@pytest.mark.parametrize("angle", [0, 30, 44, -30, 180])
def test_rotation_enlarges_neither_sides_nor_area(angle: float) -> None:
    outline = rectangle(angle)
    check_outline(outline, 1000, 1000)
    assert side_lengths(outline) == pytest.approx((200, 100))
    assert area(outline) == pytest.approx(20_000)


def test_width_is_the_side_that_runs_across() -> None:
    assert side_lengths(rectangle(90)) == pytest.approx((100, 200))


def test_a_polygon_has_its_extent_as_sides() -> None:
    triangle = Outline("polygon", ((0.5, 0), (10, 0), (10, 20)))
    assert side_lengths(triangle) == (9.5, 20)
    assert area(triangle) == 95


@pytest.mark.parametrize(
    ("outline", "reason"),
    [
        (Outline("rectangle", ((0, 0), (10, 0), (15, 8), (5, 8))), "right angles"),
        (Outline("rectangle", ((0, 0), (10, 0), (10, 10))), "right angles"),
        (Outline("polygon", ((0, 0), (10, 0), (1001, 10))), r"\(1001, 10\) is outside"),
        (Outline("polygon", ((0, 0), (-1, 0), (10, 10))), r"\(-1, 0\) is outside"),
        (Outline("polygon", ((0, 0), (5, 5), (10, 10))), "flat"),
        (Outline("polygon", ((0, 0), (10, 10), (10, 0), (0, 10))), "cross itself"),
        (Outline("polygon", ((0, 0), (10, 10))), "has 2"),
        (Outline("polygon", ((0, 0), (10, 0), (10, 10)), "x" * 201), "201 characters"),
    ],
)
def test_an_outline_without_a_clear_area_is_refused(outline: Outline, reason: str) -> None:
    with pytest.raises(RegionError, match=reason):
        check_outline(outline, 1000, 1000)


def test_the_slides_own_edge_belongs_to_it() -> None:
    check_outline(Outline("polygon", ((0, 0), (1000, 0), (1000, 1000))), 1000, 1000)
