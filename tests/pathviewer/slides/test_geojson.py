"""Outlines to GeoJSON and back, and every odd file that a clinician may pick."""

from __future__ import annotations

import gzip
import io
import json
import uuid
import zipfile
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


def read(document: Any, frame: Frame = SLIDE) -> geojson.GeoJsonImport:
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
        (feature([[[0, 0], [9, 0], [9, 150_000], [0, 0]]]), "outside the slide, 64% of it"),
        (feature([[[-9, 0], [-3, 0], [-3, 9], [-9, 0]]]), "outside the slide, all of it"),
        (feature([[[-9, 0], [0, 0], [0, 9], [-9, 0]]]), "outside the slide, all of it"),
        (feature([[[-9, 0], [50, 50], [50, 0], [-9, 50]]]), "cross itself"),
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
        (b"\xff\xfe\x00", "not in UTF-8"),
        ('{"name": "Größe"}'.encode("cp1252"), "not in UTF-8"),
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


OVER_THE_EDGE = [
    # a ring, the corners that stay, the share that is lost, why
    (
        [[-0.5, -0.5], [199.5, -0.5], [199.5, 199.5], [-0.5, 199.5]],
        {(0, 0), (199.5, 0), (199.5, 199.5), (0, 199.5)},
        1 - (199.5 / 200) ** 2,
        "half a pixel over the upper left corner, as programs that count pixel centres write it",
    ),
    (
        [[39_000, 29_000], [40_000.4, 29_000], [40_000.4, 30_000.3], [39_000, 30_000.3]],
        {(39_000, 29_000), (40_000, 29_000), (40_000, 30_000), (39_000, 30_000)},
        1 - 1e6 / (1000.4 * 1000.3),
        "over the lower right corner",
    ),
    (
        [[-50, -50], [150, -50], [150, 150], [-50, 150]],
        {(0, 0), (150, 0), (150, 150), (0, 150)},
        1 - 150**2 / 200**2,
        "a brush that went over the edge",
    ),
]


@pytest.mark.parametrize(("ring", "corners", "lost", "why"), OVER_THE_EDGE)
def test_what_reaches_over_the_edge_is_cut_there(
    ring: Any, corners: set[Any], lost: float, why: str
) -> None:
    result = read([feature(name="in"), feature([[*ring, ring[0]]], name="over")])
    (clipped,) = result.clipped
    assert clipped.index == 1, why
    assert clipped.outside == pytest.approx(lost), why
    outline = result.outlines[1]
    assert (outline.name, outline.shape, set(outline.points)) == ("over", "rectangle", corners)
    assert result.skipped == ()


def test_a_part_beyond_the_edge_is_lost_and_the_others_stay() -> None:
    beyond = [[-20, 0], [-10, 0], [-10, 10], [-20, 10], [-20, 0]]
    result = read(feature([[SQUARE], [beyond]], kind="MultiPolygon"))
    assert len(result.outlines) == 1
    assert result.clipped[0].outside == pytest.approx(100 / (100**2 + 100))


def test_an_outline_cut_in_two_becomes_two() -> None:
    fork = [[-10, 0], [90, 0], [90, 30], [-2, 30], [-2, 50], [90, 50], [90, 80], [-10, 80]]
    result = read(feature([[*fork, fork[0]]], name="fork"))
    assert [outline.name for outline in result.outlines] == ["fork", "fork"]
    assert all(x >= 0 for outline in result.outlines for x, _ in outline.points)


def test_the_offset_decides_what_is_over_the_edge() -> None:
    ring = [[-5, 0], [50, 0], [50, 50], [-5, 50], [-5, 0]]
    frame = Frame(SLIDE.width, SLIDE.height, (10, 10))
    assert read(feature([ring]), frame).clipped == ()
    assert len(read(feature([ring])).clipped) == 1


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return packed.getvalue()


ONE = json.dumps(feature(name="A")).encode()


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (zipped(("slide.geojson", ONE)), "QuPath's zipped export"),
        (zipped(("slide.JSON", ONE), method=zipfile.ZIP_STORED), "stored, in capitals"),
        (zipped(("a/slide.json", ONE), ("__MACOSX/a/._slide.json", b"x")), "as macOS packs it"),
        (zipped(("slide.geojson", b"\xef\xbb\xbf" + ONE)), "with a byte order mark inside"),
        (gzip.compress(ONE, mtime=0), "gzip"),
        (b"\xef\xbb\xbf" + ONE, "a byte order mark"),
        (ONE.decode().encode("utf-16"), "UTF-16, as Windows PowerShell writes it"),
    ],
)
def test_a_packed_file_is_unpacked(document: bytes, why: str) -> None:
    assert [outline.name for outline in read_outlines(document, SLIDE).outlines] == ["A"], why


def encrypted() -> bytes:
    data = bytearray(zipped(("slide.geojson", ONE)))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + place] |= 1
    return bytes(data)


BOMB = b"[" + b" " * (30 * 2**20) + b"]"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (zipped(("slide.geojson", BOMB)), "holds more than 5 MiB"),
        (gzip.compress(BOMB, mtime=0), "holds more than 5 MiB"),
        (zipped(*((f"{n}.txt", b"") for n in range(65))), "more than 64 entries"),
        (zipped(("a.geojson", ONE), ("b.geojson", ONE)), "has 2 files ending in .geojson or .json"),
        (zipped(("a.txt", ONE)), "has no file ending in"),
        (zipped(), "has no file ending in"),
        (zipped(("a.geojson", ONE), method=zipfile.ZIP_BZIP2), "encrypted or packed in a rare way"),
        (encrypted(), "encrypted or packed in a rare way"),
        (zipped(("slide.geojson", ONE))[:-30], "The archive is damaged"),
        (zipped(("slide.geojson", ONE)).replace(b"\x08\x00", b"\x08\x08"), "damaged|rare way"),
        (gzip.compress(ONE, mtime=0)[:-9], "The archive is damaged"),
        (gzip.compress(ONE, mtime=0)[:20] + b"xxxx", "The archive is damaged"),
        (zipped(("slide.geojson", zipped(("slide.geojson", ONE)))), "not in UTF-8|not JSON"),
    ],
    ids=range(13),  # not the documents, which hold random ids
)
def test_an_archive_that_cannot_be_used_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(GeoJsonError, match=reason):
        read_outlines(document, SLIDE)


@given(st.binary(max_size=300), st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08"]))
def test_any_bytes_give_a_sentence(tail: bytes, magic: bytes) -> None:
    with pytest.raises(GeoJsonError):
        read_outlines(magic + tail, SLIDE)


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
