"""Colours through the API: regions, thumbnails, the table of pages, and what a model saw."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from pathviewer.export.splits import Shares
from pathviewer.questions.region_picture import colours_json
from storage.blobs import BlobStore
from tests.asking import Clients, accounts, asked_id, asking, asking_settings, heard
from tests.databases import new_database
from tests.format_files import write_tiff
from tests.icc_profiles import lut_profile, stained
from tests.pathviewer.slides.test_colours import by_imagecms
from tests.slide_files import Pixels, tissue, write_ycbcr
from tests.slide_profiles import write_profiled

PROFILE = lut_profile("Scanner v1", stained)
BOX = {"x": 20, "y": 30, "width": 224, "height": 112}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """Accounts of an application with a slide that has a colour profile."""
    path = tmp_path_factory.mktemp("made") / "a.tiff"
    slide = write_profiled(path, tissue(512, 384), PROFILE)
    settings = asking_settings(tmp_path_factory.mktemp("colours"), slide)
    with asking(settings, accounts(settings)) as clients:
        yield clients


def slide_of(client: httpx.Client) -> dict[str, Any]:
    (slide,) = client.get("/api/slides").raise_for_status().json()
    return dict(slide)


def picture(answer: httpx.Response) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(answer.raise_for_status().content)).convert("RGB"))


def test_the_list_names_the_profile(clients: Clients) -> None:
    assert slide_of(clients["ada"])["colour_profile"] == {
        "name": "Scanner v1",
        "applied": True,
        "reason": None,
        "sentence": "Scanner v1, applied",
    }


def test_regions_are_corrected_unless_raw_is_wanted(clients: Clients) -> None:
    client = clients["ada"]
    path = f"/api/slides/{slide_of(client)['id']}/region"
    raw = picture(client.get(path, params=BOX | {"colours": "raw"}))
    assert np.array_equal(raw, tissue(512, 384)[30:142, 20:244])
    assert np.array_equal(picture(client.get(path, params=BOX)), by_imagecms(raw, PROFILE))
    refused = client.get(path, params=BOX | {"colours": "grey"})
    assert refused.status_code == 400
    message = refused.json()["error"]["message"]
    assert message == 'colours must be one of corrected, raw, not "grey".'


def test_thumbnails_are_corrected(clients: Clients) -> None:
    client = clients["ada"]
    seen = picture(client.get(f"/api/slides/{slide_of(client)['id']}/thumbnail?size=128"))
    small = np.asarray(Image.fromarray(tissue(512, 384)).reduce(4))
    expected = by_imagecms(small, PROFILE).astype(int)
    assert np.abs(seen - expected).mean() < np.abs(seen.astype(int) - small).mean() / 2


def test_the_table_of_pages(clients: Clients) -> None:
    client = clients["ada"]
    table = client.get(f"/api/slides/{slide_of(client)['id']}/colours").raise_for_status().json()
    assert (table["size"], table["light"]) == (33, False)
    assert len(table["nodes"]) == 4 * 33**3 * 4


@pytest.mark.long
def test_a_slide_without_a_profile_has_no_table(tmp_path: Path) -> None:
    settings = asking_settings(tmp_path, write_ycbcr(tmp_path / "a.tiff"))
    with asking(settings, accounts(settings)) as clients:
        slide = slide_of(clients["ada"])
        assert slide["colour_profile"] is None
        answer = clients["ada"].get(f"/api/slides/{slide['id']}/colours")
        assert answer.status_code == 404
        assert "no colour profile" in answer.json()["error"]["message"]
        kept, report = ask(clients["ada"])
        assert kept["picture"]["colours"] is None
        assert "as in the file; no colour profile was applied" in report


def ask(client: httpx.Client, **given: Any) -> tuple[dict[str, Any], str]:
    """Ask about the slide; the question as it is stored, and its report."""
    reading = asked_id(client, **{"box": BOX} | given)
    heard(client, reading)
    body = client.get(f"/api/readings/{reading}").raise_for_status().json()
    return body, client.get(f"/api/readings/{reading}/report.html").raise_for_status().text


def seen_by_model(client: httpx.Client, kept: dict[str, Any]) -> Pixels:
    return picture(client.get(f"/api/readings/{kept['id']}/picture.png"))


def test_a_question_keeps_which_colours_the_model_saw(clients: Clients) -> None:
    client = clients["ada"]
    default, report = ask(client)
    assert default["picture"]["colours"] == {"profile": "Scanner v1", "corrected": True}
    assert "corrected to sRGB by the slide&#39;s profile, Scanner v1" in report
    raw, report = ask(client, colours="raw")
    assert raw["picture"]["colours"] == {"profile": "Scanner v1", "corrected": False}
    assert "as scanned; the slide&#39;s profile, Scanner v1, was not applied" in report
    seen, scanned = seen_by_model(client, default), seen_by_model(client, raw)
    # corrected before the model's own enlargement, so not to the last bit
    assert np.abs(seen.astype(int) - by_imagecms(scanned, PROFILE)).mean() < 1
    assert np.abs(seen.astype(int) - scanned).mean() > 3


def test_asking_again_shows_the_same_colours(clients: Clients) -> None:
    client = clients["ada"]
    kept, _ = ask(client, colours="raw")
    answer = client.post(f"/api/readings/{kept['id']}/again").raise_for_status()
    again = client.get(f"/api/readings/{answer.json()['id']}").raise_for_status().json()
    assert again["picture"]["colours"] == kept["picture"]["colours"]
    assert again["picture"]["sha256"] == kept["picture"]["sha256"]
    heard(client, again["id"])


def test_the_preview_says_what_the_model_will_see(clients: Clients) -> None:
    client = clients["ada"]
    path = f"/api/slides/{slide_of(client)['id']}/preview"
    for colours, corrected in (("corrected", True), ("raw", False)):
        seen = client.post(path, json={"box": BOX, "colours": colours}).raise_for_status().json()
        assert seen["colours"] == {"profile": "Scanner v1", "corrected": corrected}
    refused = client.post(path, json={"box": BOX, "colours": 1})
    assert refused.status_code == 400
    assert "colours must be one of corrected, raw, not 1" in refused.json()["error"]["message"]


NOTE = "16-bit grey, shown reduced to 8 bits"


@pytest.mark.long
def test_a_question_keeps_how_the_pixels_differ_from_8_bit_colour(tmp_path: Path) -> None:
    """In provenance, report and export; also when it is asked again."""
    grey_pixels = tissue(512, 384)[..., 1].astype(np.uint16) * 257
    settings = asking_settings(tmp_path, write_tiff(tmp_path / "a.tiff", grey_pixels))
    with asking(settings, accounts(settings)) as clients:
        client = clients["ada"]
        kept, report = ask(client)
        assert kept["picture"]["pixel_note"] == NOTE
        assert kept["picture"]["colours"] is None
        assert NOTE in report
        assert "as in the file; no colour profile was applied" in report
        answer = client.post(f"/api/readings/{kept['id']}/again").raise_for_status()
        again = client.get(f"/api/readings/{answer.json()['id']}").raise_for_status().json()
        assert again["picture"]["pixel_note"] == NOTE
        heard(client, again["id"])
        verdict = {"kind": "verdict", "verdict": "correct", "key": "1"}
        verdict["completion"] = kept["completions"][0]["id"]
        client.post("/api/feedback", json=verdict).raise_for_status()
    database = new_database(settings.database)
    plan = ExportPlan(FORMATS["unpaired"], shares=Shares(1, 0, 0))
    export(database, BlobStore(settings.blobs), plan, tmp_path / "out")
    database.close()
    rows = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()
    assert [(row["pixel_note"], row["colour_profile"]) for row in rows] == [(NOTE, None)]


def test_a_profile_and_a_note_are_told_apart(clients: Clients) -> None:
    kept, report = ask(clients["ada"])
    assert kept["picture"]["pixel_note"] is None
    assert "Pixels of the slide" not in report
    both = {"profile": "Scanner v1", "corrected": False, "pixel_note": NOTE}
    assert colours_json(both) == {
        "colours": {"profile": "Scanner v1", "corrected": False},
        "pixel_note": NOTE,
    }
