"""Which scales are believed, what is said of the others, and what is measured with them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.slides.outline import Outline, area, side_lengths
from pathviewer.slides.scale import (
    EnteredScale,
    KnownLength,
    PixelSize,
    ScaleClaim,
    ScaleError,
    SlideScale,
    checked_size,
    digits,
    read_claim,
    scale_text,
    size_by_length,
)
from pathviewer.slides.slide import Slide
from tests.slide_files import write_scaled

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
SIDES = st.floats(0.05, 5)
POINTS = st.tuples(st.floats(0, 100_000), st.floats(0, 100_000))


def entered(x: float, y: float | None = None) -> EnteredScale:
    return EnteredScale(PixelSize(x, x if y is None else y), "ada", AT, by_known_length=False)


@pytest.mark.parametrize(
    ("x", "y", "used", "sentence", "reason"),
    [
        (0.25, 0.25, True, None, "a scanner's"),
        (0.05, 0.05, True, None, "the finest"),
        (5.0, 5.0, True, None, "the coarsest"),
        (0.25, 0.5, True, None, "a line scanner's oblong pixels"),
        (0.025, 0.025, False, "claims 0.025 µm per pixel, which no scanner has", "a tenth"),
        (42.333333, 42.333333, False, "claims 42.33 µm per pixel", "600 dpi"),
        (352.7778, 352.7778, False, "claims 352.8 µm per pixel", "72 dpi"),
        (2.5e-6, 2.5e-6, False, "claims 0.0000025 µm per pixel", "4e9 pixels in a centimetre"),
        (0.25, 42.3, False, "claims 0.25 × 42.3 µm per pixel", "one axis out of range"),
        (0.25, 1.01, False, "no scanner has pixels so oblong", "too oblong"),
        (0.25, None, False, "along one axis only", "half a scale"),
        (None, None, False, None, "nothing stated"),
    ],
)
def test_what_a_file_claims_is_believed_in_a_range(
    x: float | None, y: float | None, used: bool, sentence: str | None, reason: str
) -> None:
    claim = ScaleClaim(x, y)
    assert (claim.size is not None) == used, reason
    assert (claim.problem is None) == (sentence is None)
    assert sentence is None or sentence in str(claim.problem)
    assert SlideScale(claim).source == ("file" if used else None)
    assert sentence is None or str(SlideScale(claim).problem).endswith(": the scale is unknown.")


@pytest.mark.parametrize(
    ("power", "used"), [(40, True), (1.25, True), (100, True), (409, False), (4e6, False)]
)
def test_an_objective_that_no_microscope_has_is_not_used(power: float, used: bool) -> None:
    claim = ScaleClaim(power=power)
    assert claim.objective_power == (power if used else None)
    assert used or f"{power:.0f}x, which no microscope has" in str(claim.power_problem)


@pytest.mark.parametrize("text", ["", "nan", "inf", "-0.5", "0", "half"])
def test_what_is_no_number_claims_nothing(text: str) -> None:
    names = ("openslide.mpp-x", "openslide.mpp-y", "openslide.objective-power")
    assert read_claim(dict.fromkeys(names, text)) == ScaleClaim()


@pytest.mark.parametrize(
    ("per_centimetre", "used"),
    [((40_000, 20_000), (0.25, 0.5)), ((400_000, 400_000), None), ((236, 236), None)],
)
def test_a_slide_states_its_scale_per_axis(
    tmp_path: Path, per_centimetre: tuple[int, int], used: tuple[float, float] | None
) -> None:
    slide = Slide(write_scaled(tmp_path / "a.tiff", per_centimetre), "Slide 1")
    size = slide.scale.size
    assert used == (None if size is None else pytest.approx((size.x, size.y)))
    assert slide.claim.x == pytest.approx(1e4 / per_centimetre[0])


def test_one_number_for_both_axes_only_where_pixels_are_nearly_square() -> None:
    assert PixelSize(0.499, 0.501).mpp == pytest.approx(0.5)
    assert PixelSize(0.499, 0.501).aspect == 1
    assert PixelSize(0.25, 0.5).mpp is None
    assert PixelSize(0.25, 0.5).aspect == 2


def test_a_person_corrects_also_what_is_plausible() -> None:
    claim = ScaleClaim(0.25, 0.25)
    scale = SlideScale(claim, entered(0.5))
    assert (scale.size, scale.source) == (PixelSize(0.5, 0.5), "entered")
    facts = scale.facts()
    assert facts["claimed"] == {"x": 0.25, "y": 0.25}
    assert (facts["entered_by"], facts["entered_at"]) == ("ada", AT.isoformat())
    assert "entered_by" not in scale.provenance()
    assert "ada" not in str(scale.provenance())


def test_why_a_claim_is_not_used_stays_beside_what_was_entered() -> None:
    problem = SlideScale(ScaleClaim(42.333, 42.333), entered(0.5)).problem
    assert problem == "The file claims 42.33 µm per pixel, which no scanner has."


def test_what_an_earlier_version_let_in_is_not_used() -> None:
    scale = SlideScale(ScaleClaim(), entered(12))
    assert (scale.size, scale.source) == (None, None)
    assert "12 µm per pixel is no scanner's scale" in str(scale.problem)


@pytest.mark.parametrize(
    ("x", "y"), [(0.049, 0.049), (5.01, 5.01), (0.25, 6), (0.25, 1.01), (math.inf, 1)]
)
def test_a_person_cannot_enter_what_no_scanner_has(x: float, y: float) -> None:
    with pytest.raises(ScaleError, match="Check the number"):
        checked_size(x, y)


@pytest.mark.parametrize(
    ("scale", "end", "um", "size", "reason"),
    [
        (SlideScale(ScaleClaim()), (300, 400), 125, (0.25, 0.25), "square where nothing is known"),
        (SlideScale(ScaleClaim(42, 42)), (400, 0), 100, (0.25, 0.25), "a claim that is not used"),
        (SlideScale(ScaleClaim(0.3, 0.6)), (400, 0), 100, (0.25, 0.5), "along the width"),
        (SlideScale(ScaleClaim(0.3, 0.6)), (0, 400), 100, (0.125, 0.25), "along the height"),
        (SlideScale(ScaleClaim(0.3, 0.6)), (400, 150), 125, (0.25, 0.5), "aslant"),
        (SlideScale(ScaleClaim(0.3, 42)), (400, 0), 100, (0.25, 0.25), "no shape to rely on"),
        (SlideScale(ScaleClaim(1, 1), entered(1, 2)), (400, 0), 100, (0.25, 0.5), "entered shape"),
    ],
)
def test_a_known_length_gives_the_scale(
    scale: SlideScale, end: tuple[float, float], um: float, size: tuple[float, float], reason: str
) -> None:
    found = size_by_length(KnownLength((0, 0), end, um), scale)
    assert (found.x, found.y) == pytest.approx(size), reason
    assert found.length(*end) == pytest.approx(um)


@pytest.mark.parametrize(("end", "um"), [((9, 0), 3), ((0, 0), 100), ((1000, 0), 42_000)])
def test_a_length_that_gives_no_scale_is_refused(end: tuple[float, float], um: float) -> None:
    with pytest.raises(ScaleError):
        size_by_length(KnownLength((0, 0), end, um), SlideScale(ScaleClaim()))


@given(st.lists(POINTS, min_size=3, max_size=8, unique=True), SIDES, SIDES)
def test_measuring_is_the_same_with_the_axes_swapped_with_the_scale(
    points: list[tuple[float, float]], x: float, y: float
) -> None:
    pixel, swapped = PixelSize(x, y), PixelSize(y, x)
    shape = Outline("polygon", tuple(points))
    mirrored = Outline("polygon", tuple((b, a) for a, b in points))
    assert side_lengths(shape, pixel) == tuple(reversed(side_lengths(mirrored, swapped)))
    assert area(shape, pixel) == pytest.approx(area(mirrored, swapped), abs=1e-3)
    (ax, ay), (bx, by) = points[:2]
    length = pixel.length(bx - ax, by - ay)
    assert length == pytest.approx(swapped.length(by - ay, bx - ax))
    assert pixel.undistorted_size(300, 200) == tuple(reversed(swapped.undistorted_size(200, 300)))


@given(SIDES, st.floats(0.25, 4), st.integers(1, 5000), st.integers(1, 5000))
def test_an_undistorted_picture_has_square_pixels(
    x: float, aspect: float, width: int, height: int
) -> None:
    pixel = PixelSize(x, x * aspect)
    across, down = pixel.undistorted_size(width, height)
    assert across >= width
    assert down >= height
    rounded = 0.5 / min(across, down) + 0.011  # nearly square pixels are drawn as squares
    assert across * pixel.length(0, height) == pytest.approx(
        down * pixel.length(width, 0), rel=rounded
    )


@pytest.mark.parametrize(
    ("scale", "text"),
    [
        (SlideScale(ScaleClaim(0.25, 0.5)), "0.25 × 0.5 µm per level-0 pixel, from the file"),
        (SlideScale(ScaleClaim()), "Unknown: the file states none."),
        (
            SlideScale(ScaleClaim(42.333, 42.333), entered(0.5)),
            "0.5 µm per level-0 pixel, entered by hand on 2026-11-30; the file claims 42.33",
        ),
        (
            SlideScale(ScaleClaim(), entered(0.5)),
            "0.5 µm per level-0 pixel, entered by hand on 2026-11-30; the file states none",
        ),
    ],
)
def test_a_scale_in_words(scale: SlideScale, text: str) -> None:
    assert scale_text(scale.provenance()) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.25, "0.25"), (42.3333, "42.33"), (2.5e-6, "0.0000025"), (4e6, "4000000")]
)
def test_numbers_are_written_out(value: float, text: str) -> None:
    assert digits(value) == text
