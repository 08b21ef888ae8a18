"""What the API says about slides, and pictures of parts of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
from openslide import OpenSlide
from PIL import Image

from storage.audit import list_entries
from tests import slide_files
from tests.slide_api import SlideApi, slide_api

LINE = {"from": [0, 0], "to": [200, 0], "um": 50}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "patient-4711"
    folder.mkdir()
    slide_files.write_aperio_rgb(folder / "known.svs")
    slide_files.write_ycbcr(folder / "unknown.tiff")
    return folder


@pytest.fixture
def api(folder: Path, tmp_path: Path) -> Iterator[SlideApi]:
    with slide_api(folder, tmp_path / "state", region_pixel_limit=50_000) as api:
        yield api


@pytest.fixture
def known(api: SlideApi, folder: Path) -> str:
    """Address of a slide whose mpp the file says."""
    return f"/api/slides/{api.id_of(folder / 'known.svs')}"


@pytest.fixture
def unknown(api: SlideApi, folder: Path) -> str:
    """Address of a slide whose mpp nobody knows."""
    return f"/api/slides/{api.id_of(folder / 'unknown.tiff')}"


def patch(api: SlideApi, path: str, change: object) -> httpx.Response:
    return api.ask(lambda client: client.patch(path, json=change))


def test_the_list_and_one_slide_agree_and_name_no_file(api: SlideApi, known: str) -> None:
    listed = {f"/api/slides/{slide['id']}": slide for slide in api.get("/api/slides").json()}
    assert len(listed) == 2
    slide = api.get(known).json()
    assert listed[known].items() <= slide.items()
    assert slide["mpp"] == 0.5
    assert slide["mpp_by_hand"] is False
    assert slide["background"] == "#ffffff"
    assert slide["bounds"] is None
    assert slide["associated_images"] == []
    assert slide["level_count"] == 2
    assert slide["levels"][0] == {
        "width": 300,
        "height": 217,
        "downsample": 1.0,
        "downsample_x": 1.0,
        "downsample_y": 1.0,
        "tile_width": 64,
        "tile_height": 64,
        "native": True,
        "passthrough": True,
    }
    text = api.get("/api/slides").text + api.get(known).text
    assert "4711" not in text
    assert ".svs" not in text


def test_looking_at_a_slide_is_written_down(api: SlideApi, known: str) -> None:
    api.get(known)
    with api.database.read_only() as session:
        entry = list_entries(session)[0]
    assert (entry.action, entry.subject) == ("view_slide", known.rsplit("/", 1)[1])


def test_an_unknown_slide(api: SlideApi) -> None:
    answer = api.get("/api/slides/none")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "slide_not_found"


def test_a_slide_deleted_after_it_was_listed(api: SlideApi, folder: Path, known: str) -> None:
    (folder / "known.svs").unlink()
    answer = api.get(known)
    assert answer.status_code == 410
    assert answer.json()["error"]["code"] == "slide_gone"
    assert "4711" not in answer.text


def test_a_new_alias_and_an_mpp_by_hand(api: SlideApi, unknown: str) -> None:
    assert api.get(unknown).json()["mpp"] is None
    answer = patch(api, unknown, {"alias": " Lung 3 ", "mpp": 0.25})
    assert answer.status_code == 200
    slide = api.get(unknown).json()
    assert (slide["name"], slide["alias"]) == ("Lung 3", "Lung 3")
    assert (slide["mpp"], slide["mpp_by_hand"]) == (0.25, True)
    patch(api, unknown, {"mpp": None})
    assert api.get(unknown).json()["mpp"] is None


@pytest.mark.parametrize(
    ("sent", "kept", "reason"),
    [
        ("\u202eLung\u202c 3", "Lung 3", "turns the direction of writing around"),
        ("Lung\n\t 3\x07", "Lung 3", "breaks the line"),
        ("Käse 腺 3", "Käse 腺 3", "only letters"),
        ("x" * 200 + "  ", "x" * 200, "blanks do not count"),
    ],
)
def test_an_alias_is_tidied(api: SlideApi, unknown: str, sent: str, kept: str, reason: str) -> None:
    body = json.dumps({"alias": sent})  # httpx itself refuses half a pair
    answer = api.ask(lambda client: client.patch(unknown, content=body))
    assert (answer.status_code, answer.json()["alias"]) == (200, kept), reason


def test_files_that_cannot_be_opened_are_told_without_their_names(
    api: SlideApi, folder: Path
) -> None:
    assert api.get("/api/slides/rejected").json() == []
    (folder / "H24-00123.svs").write_bytes(b"no slide")
    api.library.rescan()
    (file,) = api.get("/api/slides/rejected").json()
    assert file["name"] == "A file in folder 1"
    assert "not a slide in a format that OpenSlide knows" in file["reason"]
    assert "H24" not in file["reason"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "nothing to change"),
        ([], "not an object"),
        ({"alias": "  "}, "blank"),
        ({"alias": 5}, "not text"),
        ({"alias": "\n\u202e\x07"}, "nothing that can be seen"),
        ({"alias": "x" * 201}, "too long"),
        ({"mpp": 0}, "zero"),
        ({"mpp": -0.25}, "negative"),
        ({"mpp": 1e9}, "not a microscope's"),
        ({"mpp": 10**400}, "an integer that no float holds"),
        ({"mpp": True}, "not a number"),
        ({"mpp": "0.25"}, "text"),
        ({"mpp": 0.049}, "finer than any scanner"),
        ({"mpp": 5.01}, "coarser than any scanner"),
        ({"mpp": {"x": 0.5}}, "one axis"),
        ({"mpp": {"x": 0.5, "y": None}}, "an axis of nothing"),
        ({"mpp": {"x": 0.1, "y": 0.5}}, "too oblong"),
        ({"mpp": 0.5, "known_length": LINE}, "both ways at once"),
        ({"known_length": None}, "no line"),
        ({"known_length": LINE | {"um": 0}}, "no length"),
        ({"known_length": LINE | {"um": 10**400}}, "an integer that no float holds"),
        ({"known_length": LINE | {"um": 42_000}}, "gives what no scanner has"),
        ({"known_length": LINE | {"to": [5, 0]}}, "a line too short to be sure of"),
        ({"known_length": LINE | {"to": [301, 0]}}, "an end beyond the slide"),
        ({"known_length": LINE | {"to": [200, "0"]}}, "an end that is no point"),
        ({"known_length": LINE | {"to": 200}}, "an end that is a number"),
        ({"known_length": LINE | {"unit": "mm"}}, "a field too many"),
        ({"id": "x"}, "not to be changed"),
    ],
)
def test_descriptions_that_are_refused(
    api: SlideApi, unknown: str, change: object, reason: str
) -> None:
    answer = patch(api, unknown, change)
    assert answer.status_code == 400, reason
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "There is nothing to change: send alias, mpp or known_length."),
        ({"alias": "\n"}, 'alias must be a text of 1 to 200 characters, not "\\n".'),
        (
            {"mpp": "fine"},
            "mpp must be a number of microns per pixel above 0, such as 0.25, or "
            '{"x": 0.25, "y": 0.5}, not "fine".',
        ),
        ({"mpp": 1, "known_length": LINE}, "Send mpp or known_length, not both."),
        (
            {"known_length": LINE | {"to": 7}},
            "known_length.to must be a list of 2 values: a number, a number, not 7.",
        ),
    ],
)
def test_a_refusal_says_what_to_send(
    api: SlideApi, unknown: str, change: object, sentence: str
) -> None:
    error = patch(api, unknown, change).json()["error"]
    assert (error["code"], error["message"]) == ("invalid_request", sentence)


def test_a_scale_that_the_file_states_can_be_corrected(api: SlideApi, known: str) -> None:
    answer = patch(api, known, {"mpp": 0.25})
    assert answer.status_code == 200
    slide = api.get(known).json()
    assert (slide["mpp"], slide["mpp_by_hand"], slide["pixel_aspect"]) == (0.25, True, 1)
    scale = slide["scale"]
    assert (scale["x"], scale["y"], scale["source"]) == (0.25, 0.25, "entered")
    assert scale["claimed"] == {"x": 0.5, "y": 0.5}
    assert (scale["entered_by"], scale["by_known_length"]) == ("local", False)
    assert datetime.fromisoformat(scale["entered_at"]).tzinfo is not None
    patch(api, known, {"mpp": None})
    slide = api.get(known).json()
    assert (slide["mpp"], slide["scale"]["source"]) == (0.5, "file")
    assert slide["scale"]["entered_by"] is None


def test_a_scale_is_entered_for_each_axis_or_by_a_known_length(api: SlideApi, known: str) -> None:
    slide = patch(api, known, {"mpp": {"x": 0.25, "y": 0.5}}).json()
    assert (slide["mpp"], slide["pixel_aspect"]) == (None, 2)
    line = {"from": [10, 10], "to": [10, 210], "um": 50}
    scale = patch(api, known, {"known_length": line}).json()["scale"]
    assert (scale["x"], scale["y"]) == pytest.approx((0.125, 0.25))
    assert scale["by_known_length"]


def test_the_audit_log_says_who_corrected_a_scale_and_how(api: SlideApi, known: str) -> None:
    line = {"from": [0, 0], "to": [200, 0], "um": 50}
    for change in ({"mpp": 0.3}, {"known_length": line}, {"mpp": None}):
        patch(api, known, change)
    with api.database.read_only() as session:
        entries = [entry for entry in list_entries(session) if entry.action == "describe_slide"]
    claimed = {"claimed": {"x": 0.5, "y": 0.5}}
    assert [entry.detail for entry in entries] == [
        {"mpp": None} | claimed,
        {"mpp": {"x": 0.25, "y": 0.25}, "known_length": line} | claimed,
        {"mpp": {"x": 0.3, "y": 0.3}} | claimed,
    ]
    assert {(entry.account_id, entry.subject) for entry in entries} == {
        ("local", known.rsplit("/", 1)[1])
    }


@pytest.mark.parametrize(
    ("per_centimetre", "sentence"),
    [
        ((400_000, 400_000), "The file claims 0.025 µm per pixel, which no scanner has"),
        ((236.22, 236.22), "The file claims 42.33 µm per pixel, which no scanner has"),
        ((4e9, 4e9), "The file claims 0.0000025 µm per pixel, which no scanner has"),
    ],
)
def test_a_scale_that_no_scanner_has_is_unknown(
    tmp_path: Path, per_centimetre: tuple[float, float], sentence: str
) -> None:
    (tmp_path / "slides").mkdir()
    path = slide_files.write_scaled(tmp_path / "slides" / "a.tiff", per_centimetre)
    with slide_api(path.parent, tmp_path / "state") as api:
        address = f"/api/slides/{api.id_of(path)}"
        slide = api.get(address).json()
        assert (slide["mpp"], slide["pixel_aspect"], slide["scale"]["source"]) == (None, 1, None)
        assert slide["scale"]["problem"].startswith(sentence)
        assert slide["scale"]["claimed"]["x"] == pytest.approx(1e4 / per_centimetre[0])
        assert patch(api, address, {"mpp": 0.25}).json()["scale"]["source"] == "entered"
        region = api.get(f"{address}/region?x=0&y=0&width=100&height=100")
        assert region.headers["x-mpp"] == "0.25"


def test_oblong_pixels_have_no_single_mpp(tmp_path: Path) -> None:
    (tmp_path / "slides").mkdir()
    path = slide_files.write_scaled(tmp_path / "slides" / "a.tiff", (40_000, 20_000))
    with slide_api(path.parent, tmp_path / "state") as api:
        slide = api.get(f"/api/slides/{api.id_of(path)}").json()
        query = "region?x=0&y=0&width=200&height=100"
        region = api.get(f"/api/slides/{api.id_of(path)}/{query}")
        thumbnail = api.get(f"/api/slides/{api.id_of(path)}/thumbnail?size=100")
    assert (slide["mpp"], slide["pixel_aspect"]) == (None, pytest.approx(2))
    assert (slide["scale"]["x"], slide["scale"]["y"]) == pytest.approx((0.25, 0.5))
    assert Image.open(io.BytesIO(region.content)).size == (100, 100)
    assert Image.open(io.BytesIO(thumbnail.content)).size == (69, 100)
    assert region.headers["x-mpp"] == "0.5"


def test_an_objective_that_no_microscope_has_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "slides").mkdir()
    text = slide_files.aperio_description(300, 217).replace("AppMag = 20", "AppMag = 409")
    levels = [slide_files.tissue(300, 217)]
    path = slide_files.write_encoded(
        tmp_path / "slides" / "a.svs", levels, slide_files.ycbcr_jpeg, description=text
    )
    with slide_api(path.parent, tmp_path / "state") as api:
        slide = api.get(f"/api/slides/{api.id_of(path)}").json()
    assert slide["objective_power"] is None
    assert slide["objective_power_problem"].startswith("The file claims an objective of 409x")


def test_a_thumbnail(api: SlideApi, known: str) -> None:
    answer = api.get(f"{known}/thumbnail?size=100")
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, image.size) == ("JPEG", (100, 72))
    assert Image.open(io.BytesIO(api.get(f"{known}/thumbnail").content)).size == (300, 217)


@pytest.mark.parametrize("size", ["0", "-5", "15", "2049", "x", "1e3", ""])
def test_a_thumbnail_of_no_size(api: SlideApi, known: str, size: str) -> None:
    assert api.get(f"{known}/thumbnail?size={size}").status_code == 400


def test_a_region_is_exact(api: SlideApi, folder: Path, known: str) -> None:
    answer = api.get(f"{known}/region?x=37&y=41&width=100&height=90")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-mpp"] == "0.5"
    slide = OpenSlide(folder / "known.svs")
    expected = np.asarray(slide.read_region((37, 41), 0, (100, 90)).convert("RGB"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), expected)


def test_a_reduced_region_says_its_scale(api: SlideApi, known: str, unknown: str) -> None:
    query = "region?x=0&y=0&width=200&height=200&max_pixels=2500"
    answer = api.get(f"{known}/{query}")
    assert Image.open(io.BytesIO(answer.content)).size == (50, 50)
    assert answer.headers["x-mpp"] == "2"
    assert "x-mpp" not in api.get(f"{unknown}/{query}").headers
    patch(api, unknown, {"mpp": 1})
    assert api.get(f"{unknown}/{query}").headers["x-mpp"] == "4"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("x=0&y=0&width=0&height=10", "empty"),
        ("x=291&y=0&width=10&height=10", "beyond the right edge"),
        ("x=0&y=0&width=999999999999&height=999999999999", "huge"),
        ("x=0&y=0&width=300&height=217", "more pixels than the limit"),
        ("x=0&y=0&width=10&height=10&max_pixels=50001", "more asked for than the limit"),
    ],
)
def test_regions_that_are_refused(api: SlideApi, known: str, query: str, reason: str) -> None:
    answer = api.get(f"{known}/region?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_region"
    assert len(answer.text) < 500


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "nothing said"),
        ("x=0&y=0&width=10", "no height"),
        ("x=0&y=0&width=10&height=ten", "not a number"),
        ("x=0.5&y=0&width=10&height=10", "not whole"),
        ("x=0&y=0&width=-10&height=10", "negative"),
        ("x=-1&y=0&width=10&height=10", "left of the slide"),
        ("x=0&y=0&width=" + "9" * 5000 + "&height=1", "more digits than Python reads"),
        ("x=0&y=0&width=10&height=10&max_pixels=0", "no pixels"),
        ("x=0&y=0&width=10&height=10&max_pixels=-1", "negative pixels"),
        ("x=0&y=0&width=10&height=10&colour=raw", "a field of no such name"),
    ],
)
def test_queries_that_are_no_region(api: SlideApi, known: str, query: str, reason: str) -> None:
    answer = api.get(f"{known}/region?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert len(answer.text) < 500


def test_a_method_that_is_not_there(api: SlideApi, known: str) -> None:
    answer = api.ask(lambda client: client.delete(known))
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_associated_images_only_where_they_are_turned_on(cmu: Path, tmp_path: Path) -> None:
    with slide_api(cmu.parent, tmp_path / "off") as api:
        address = f"/api/slides/{api.id_of(cmu)}"
        assert api.get(address).json()["associated_images"] == []
        refused = api.get(f"{address}/associated/label")
        assert refused.status_code == 404
        assert "PATHVIEWER_SHOW_ASSOCIATED_IMAGES" in refused.json()["error"]["message"]
    with slide_api(cmu.parent, tmp_path / "on", show_associated_images=True) as api:
        address = f"/api/slides/{api.id_of(cmu)}"
        assert "label" in api.get(address).json()["associated_images"]
        picture = api.get(f"{address}/associated/macro").content
        assert Image.open(io.BytesIO(picture)).size == (1280, 431)
        assert api.get(f"{address}/associated/none").status_code == 404
