"""Outlines to GeoJSON and back, and every odd file that a clinician may pick."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.slides import geojson
from pathviewer.slides.geojson import Frame, GeoJsonError, feature_collection, read_outlines
from pathviewer.slides.outline import MAX_NAME_LENGTH, Outline, is_rectangle, tidy_name

SLIDE = Frame(40_000, 30_000)
SQUARE = [[10, 20], [110, 20], [110, 120], [10, 120], [10, 20]]


def feature(coordinates: Any = None, kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    """A feature as QuPath writes it."""
    return {
        "type": "Feature",
        "id": str(uuid.uuid4()),
        "geometry": {"type": kind, "coordinates": coordinates or [SQUARE]},
        "properties": {"objectType": "annotation", **properties},
    }


def read(document: Any, frame: Frame = SLIDE) -> geojson.Import:
    """What the document holds once written to a file."""
    return read_outlines(json.dumps(document).encode(), frame)


@st.composite
def star_outlines(draw: st.DrawFn) -> Outline:
    """Polygons whose corners go once round a centre, so that they never cross themselves."""
    steps = [(1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7)]
    centre_x, centre_y = draw(st.floats(5_000, 30_000)), draw(st.floats(5_000, 20_000))
    radius = st.floats(1, 5_000)
    points = tuple((centre_x + (r := draw(radius)) * x, centre_y + r * y) for x, y in steps)
    return Outline("polygon", points, draw(names))


@st.composite
def rectangle_outlines(draw: st.DrawFn) -> Outline:
    """Axis-aligned rectangles."""
    left, top = draw(st.floats(0, 20_000)), draw(st.floats(0, 20_000))
    right, bottom = left + draw(st.floats(1, 10_000)), top + draw(st.floats(1, 10_000))
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Outline("rectangle", corners, draw(names))


names = st.text("Gland é腺 9", max_size=MAX_NAME_LENGTH).map(tidy_name)


@given(st.lists(star_outlines() | rectangle_outlines(), max_size=5))
def test_what_is_exported_is_imported_again(outlines: list[Outline]) -> None:
    document = feature_collection((str(uuid.uuid4()), outline) for outline in outlines)
    again = read(document)
    assert again.outlines == tuple(outlines)
    assert again.skipped == ()


@given(
    st.lists(star_outlines() | rectangle_outlines(), max_size=3),
    st.tuples(st.integers(0, 100_000), st.integers(0, 100_000)),
)
def test_an_offset_is_taken_off_and_added_again(
    outlines: list[Outline], offset: tuple[int, int]
) -> None:
    document = feature_collection(((str(uuid.uuid4()), o) for o in outlines), offset)
    again = read(document, Frame(SLIDE.width, SLIDE.height, offset))
    assert [o.shape for o in again.outlines] == [o.shape for o in outlines]
    for read_back, outline in zip(again.outlines, outlines, strict=True):
        for point, original in zip(read_back.points, outline.points, strict=True):
            assert point == pytest.approx(original, abs=1e-6)


def test_a_feature_has_the_members_that_qupath_reads() -> None:
    outline = Outline("rectangle", ((10, 20), (110, 20), (110, 120), (10, 120)), "Gland")
    identifier = str(uuid.uuid4())
    document = feature_collection([(identifier, outline)], offset=(10, 10))
    assert document == {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": identifier,
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[0, 10], [100, 10], [100, 110], [0, 110], [0, 10]]],
                },
                "properties": {"objectType": "annotation", "name": "Gland", "isLocked": False},
            }
        ],
    }


def test_all_three_containers_are_read() -> None:
    one = feature(name="A")
    for document in (one, [one], {"type": "FeatureCollection", "features": [one]}):
        assert [o.name for o in read(document).outlines] == ["A"]


def test_only_right_angles_make_a_rectangle() -> None:
    turned = [[100, 0], [200, 100], [100, 200], [0, 100], [100, 0]]
    kite = [[100, 0], [200, 100], [100, 300], [0, 100], [100, 0]]
    slanted = [[0, 0], [100, 0], [150, 80], [50, 80], [0, 0]]
    shapes = [read(feature([ring])).outlines[0].shape for ring in (SQUARE, turned, kite, slanted)]
    assert shapes == ["rectangle", "rectangle", "polygon", "polygon"]


def test_corners_rounded_by_another_program_are_still_a_rectangle() -> None:
    assert is_rectangle([(0.01, 0), (86.6, 50), (36.6, 136.6), (-50, 86.6)])


def test_a_multipolygon_becomes_one_outline_for_each_part() -> None:
    other = [[x + 500, y] for x, y in SQUARE]
    result = read(feature([[SQUARE], [other]], kind="MultiPolygon", name="Two"))
    assert [o.name for o in result.outlines] == ["Two", "Two"]
    assert result.outlines[1].points[0] == (510, 20)


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"name": "Gland", "classification": {"name": "Tumor"}}, "Gland"),
        ({"classification": {"name": "Tumor", "color": [200, 0, 0]}}, "Tumor"),
        ({"classification": {"names": ["Tumor", "Positive"]}}, "Tumor: Positive"),
        ({"name": "two\nlines\x00 \ud800"}, "two lines"),
        ({"name": "x" * 300}, "x" * 200),
        ({"name": 7}, ""),
        ({}, ""),
    ],
)
def test_the_name_is_the_objects_or_its_class(properties: dict[str, Any], name: str) -> None:
    assert read(feature(**properties)).outlines[0].name == name


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (feature([1, 2], kind="Point"), "'Point'"),
        (feature([[0, 0], [9, 9]], kind="LineString"), "'LineString'"),
        (feature([SQUARE, [[20, 30], [30, 30], [30, 40], [20, 30]]]), "holes"),
        (feature([[[0, 0], [100, 100], [100, 0], [0, 100], [0, 0]]]), "cross itself"),
        (feature([[[0, 0], [50, 50], [100, 100], [0, 0]]]), "flat"),
        (feature([[[0, 0], [9, 9], [0, 0]]]), "this one has 2"),
        (feature([[]]), "this one has 0"),
        (feature([[[0, 0], [9, 0], [9, 50_000], [0, 0]]]), "(9, 50000) is outside"),
        (feature([[[0, 0], [9, 0], [9, float("nan")], [0, 0]]]), "Point 2 is not a pair"),
        (feature([[[0, 0], [9, 0], [9, 10**400], [0, 0]]]), "Point 2 is not a pair"),
        (feature([[[0, 0], [9, 0], [9, True], [0, 0]]]), "Point 2 is not a pair"),
        (feature([[[0, 0], [9, 0], [9, "9"], [0, 0]]]), "Point 2 is not a pair"),
        (feature([[[0, 0]] * 10_002]), "10002 points are too many"),
        (feature([["a"]]), "Point 0"),
        (feature(["a"]), "must be a list"),
        (feature([[], 3], kind="MultiPolygon"), "without points"),
        (feature(objectType="cell"), "kind 'cell'"),
        ({"type": "Feature", "geometry": None}, "None"),
        (None, "None"),
        ("text", "None"),
    ],
)
def test_an_odd_feature_is_skipped_with_its_reason(odd: Any, reason: str) -> None:
    result = read([feature(name="before"), odd, feature(name="after")])
    assert [o.name for o in result.outlines] == ["before", "after"]
    assert [skipped.index for skipped in result.skipped] == [1]
    assert reason in result.skipped[0].reason


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "nested more than 64 deep"),
        (b"[" + b"[]," * geojson.MAX_CONTAINERS + b"[]]", "more than 262,144 lists and objects"),
        (b'{"features": 3}', "no GeoJSON features"),
        (b"3", "no GeoJSON features"),
        (b"[" + b"{}," * 2_000 + b"{}]", "2001 features are too many"),
        (b" " * (geojson.MAX_BYTES + 1), "larger than 5 MiB"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(GeoJsonError, match=reason):
        read_outlines(document, SLIDE)


def test_what_qupath_could_not_measure_keeps_no_outline_away() -> None:
    odd = {"Area": float("nan"), "Max": float("inf"), "id": 10**30}
    assert len(read(feature(name="A", measurements=odd)).outlines) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["type", "features", "geometry", "coordinates", "properties"]),
                inner,
            )
        ),
    )
)
def test_any_json_gives_outlines_or_a_sentence(document: Any) -> None:
    try:
        result = read(document)
    except GeoJsonError as error:
        assert str(error)
    else:
        assert all(skipped.reason for skipped in result.skipped)
