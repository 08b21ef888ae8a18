"""The scale that a question was asked at: stored with it, and in its report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.asking import Clients, accounts, asked_id, asking, asking_settings, heard
from tests.slide_files import write_scaled

BOX = {"x": 0, "y": 0, "width": 224, "height": 112}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """Accounts of an application with a slide that claims 42.33 um per pixel."""
    slide = write_scaled(tmp_path_factory.mktemp("made") / "a.tiff", (236.22, 236.22))
    settings = asking_settings(tmp_path_factory.mktemp("scales"), slide)
    with asking(settings, accounts(settings)) as clients:
        yield clients


def ask(clients: Clients) -> tuple[dict[str, Any], str]:
    """Ask about the slide; the question as it is stored, and its report."""
    client = clients["ada"]
    reading = asked_id(client, box=BOX)
    heard(client, reading)
    body = client.get(f"/api/readings/{reading}").raise_for_status().json()
    return body, client.get(f"/api/readings/{reading}/report.html").raise_for_status().text


def enter(clients: Clients, mpp: object) -> None:
    """Enter the slide's scale as another clinician."""
    client = clients["bob"]
    (slide,) = client.get("/api/slides").raise_for_status().json()
    origin = {"Origin": str(client.base_url).rstrip("/")}
    answer = client.patch(f"/api/slides/{slide['id']}", json={"mpp": mpp}, headers=origin)
    answer.raise_for_status()


@pytest.mark.long
def test_a_question_keeps_the_scale_that_it_was_asked_at(clients: Clients) -> None:
    before, report = ask(clients)
    assert (before["picture"]["mpp"], before["picture"]["scale"]["source"]) == (None, None)
    assert "The file claims 42.33 µm per pixel, which no scanner has" in report

    enter(clients, {"x": 0.25, "y": 0.5})
    corrected, report = ask(clients)
    picture = corrected["picture"]
    assert picture["width"] == picture["height"]
    assert picture["mpp"] == pytest.approx(0.25 * 224 / picture["width"], rel=0.001)
    scale = picture["scale"]
    assert (scale["x"], scale["y"], scale["source"]) == (0.25, 0.5, "entered")
    assert scale["claimed"]["x"] == pytest.approx(42.333, abs=0.001)
    assert "0.25 × 0.5 µm per level-0 pixel, entered by hand on" in report
    assert "the file claims 42.33" in report
    assert "bob" not in report.partition("Provenance")[2]
    assert "bob" not in str(corrected)

    enter(clients, 0.5)
    client = clients["ada"]
    path = f"/api/readings/{corrected['id']}"
    assert client.get(path).json()["picture"] == picture
    again = client.post(f"{path}/again").raise_for_status().json()["id"]
    heard(client, again)
    repeated = client.get(f"/api/readings/{again}").json()["picture"]
    assert (repeated["mpp"], repeated["scale"]) == (picture["mpp"], scale)


def test_the_preview_says_where_its_scale_is_from(clients: Clients) -> None:
    enter(clients, 0.5)
    client = clients["ada"]
    (slide,) = client.get("/api/slides").json()
    seen = client.post(f"/api/slides/{slide['id']}/preview", json={"box": BOX}).json()
    assert seen["mpp_source"] == "entered"
    assert seen["mpp"] == pytest.approx(0.5 * 224 / seen["width"], rel=0.02)
