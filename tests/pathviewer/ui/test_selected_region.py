"""The figures of the selected region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pathviewer.slides.errors import RegionError
from pathviewer.slides.scale import EnteredScale, PixelSize, ScaleClaim, SlideScale
from pathviewer.ui.selected_region import describe_region

HALF = SlideScale(ScaleClaim(0.5, 0.5))


@dataclass(frozen=True)
class Facts:
    """A slide of 4,000 x 3,000 px."""

    scale: SlideScale = HALF
    width: int = 4000
    height: int = 3000


def told(*points: tuple[float, float], shape: str = "rectangle") -> dict[str, Any]:
    return {"name": "A", "shape": shape, "points": [list(point) for point in points]}


UPRIGHT = told((100, 200), (1100, 200), (1100, 1000), (100, 1000))
TURNED = told((1000, 1000), (1300, 1400), (900, 1700), (600, 1300))
TRIANGLE = told((0.5, 0.25), (100.25, 0.25), (0.5, 60.5), shape="polygon")


def test_an_upright_rectangle() -> None:
    shown = describe_region(Facts(), UPRIGHT)
    assert dict(shown["rows"]) == {
        "x, y": "100, 200 px",
        "Box": "1,000 × 800 px",
        "Size": "500.0 × 400.0 µm",
        "Area": "0.200 mm²",
    }
    assert shown["notes"] == []


def test_a_turned_rectangle_keeps_its_own_sides_and_says_what_is_asked() -> None:
    shown = describe_region(Facts(), TURNED)
    rows = dict(shown["rows"])
    assert rows["Box"] == "700 × 700 px"
    assert rows["Size"] == "250.0 × 250.0 µm"
    assert (rows["Area"], rows["Box area"]) == ("0.0625 mm²", "0.123 mm²")
    assert "box around what was drawn" in shown["notes"][0]


def test_the_box_is_rounded_outwards() -> None:
    rows = dict(describe_region(Facts(), TRIANGLE)["rows"])
    assert (rows["x, y"], rows["Box"]) == ("0, 0 px", "101 × 61 px")


def test_an_unknown_scale_is_said_and_no_size_invented() -> None:
    shown = describe_region(Facts(SlideScale(ScaleClaim())), UPRIGHT)
    assert [label for label, _ in shown["rows"]] == ["x, y", "Box"]
    assert "unknown" in shown["notes"][0]


def test_a_scale_that_no_scanner_has_is_quoted() -> None:
    shown = describe_region(Facts(SlideScale(ScaleClaim(42.333, 42.333))), UPRIGHT)
    assert [label for label, _ in shown["rows"]] == ["x, y", "Box"]
    assert "The file claims 42.33 µm per pixel" in shown["notes"][1]


def test_oblong_pixels_are_measured_per_axis() -> None:
    shown = describe_region(Facts(SlideScale(ScaleClaim(0.25, 0.5))), UPRIGHT)
    rows = dict(shown["rows"])
    assert (rows["Size"], rows["Area"]) == ("250.0 × 400.0 µm", "0.100 mm²")


def test_a_scale_by_hand_is_marked() -> None:
    entered = EnteredScale(PixelSize(0.25, 0.25), "ada", None, by_known_length=False)
    notes = describe_region(Facts(SlideScale(ScaleClaim(0.5, 0.5), entered)), UPRIGHT)["notes"]
    assert notes == ["Scale entered by hand: 0.25 µm per pixel; the file claims 0.5."]


@pytest.mark.parametrize(
    "region",
    [
        pytest.param({}, id="nothing"),
        pytest.param(told((0, 0), (9999, 0), (9999, 10), (0, 10)), id="outside the slide"),
        pytest.param(told((0, 0), (10, 0), shape="polygon"), id="two corners"),
        pytest.param({**UPRIGHT, "shape": "circle"}, id="unknown shape"),
        pytest.param({**UPRIGHT, "points": [[0, "x"]]}, id="no numbers"),
    ],
)
def test_what_is_no_region_is_refused(region: dict[str, Any]) -> None:
    with pytest.raises(RegionError):
        describe_region(Facts(), region)
