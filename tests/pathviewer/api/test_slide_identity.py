"""A question holds what its page showed of the slide; the server asks about nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.cases.store import SlideDescription, describe_slide
from storage.database import open_database
from storage.slides.store import list_slide_records
from tests.asking import BOX, Clients, accounts, asked, asked_id, asking, asking_settings, heard
from tests.library_app import scanned


def test_the_identity_is_kept_with_the_question_and_stands_in_reports(clients: Clients) -> None:
    client = clients["ada"]
    (slide,) = client.get("/api/slides").json()
    reading = asked_id(client, identity=slide["identity"])
    heard(client, reading)
    told = client.get(f"/api/readings/{reading}").json()
    assert told["slide_identity"] == slide["identity"]
    page = client.get(f"/api/readings/{reading}/report.html").text
    assert f"{slide['alias']}, stain unknown, {slide['identity']['scale']}" in page
    again = client.post(f"/api/readings/{reading}/again").raise_for_status().json()["id"]
    assert client.get(f"/api/readings/{again}").json()["slide_identity"] == slide["identity"]
    heard(client, again)


def test_a_script_may_leave_it_out(clients: Clients) -> None:
    client = clients["ada"]
    (slide,) = client.get("/api/slides").json()
    reading = asked_id(client)
    heard(client, reading)
    assert client.get(f"/api/readings/{reading}").json()["slide_identity"] == slide["identity"]


def test_a_slide_that_changed_since_the_page_showed_it_is_not_asked_about(clients: Clients) -> None:
    client = clients["ada"]
    (slide,) = client.get("/api/slides").json()
    path = f"/api/slides/{slide['id']}"
    before = len(client.get("/api/readings").json())
    clients["eve"].patch(path, json={"alias": "Biopsy of the left"}).raise_for_status()
    try:
        for route in ("/api/readings", "/api/comparisons"):
            body = {"slide": slide["id"], "box": {"x": 0, "y": 0, "width": 60, "height": 40}}
            body |= {"question": "What is it?", "identity": slide["identity"]}
            answer = client.post(route, json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "slide_changed")
            sentence = answer.json()["error"]["message"]
            assert sentence.startswith("Not asked: the slide's name has changed")
            assert "It is now Biopsy of the left" in sentence
        assert asked(client, identity={"name": 3}).status_code == 400
        assert len(client.get("/api/readings").json()) == before
    finally:
        clients["eve"].patch(path, json={"alias": slide["alias"]}).raise_for_status()


@pytest.mark.long
def test_names_that_the_settings_no_longer_show_stay_hidden(
    tmp_path: Path, small_phantom: Path
) -> None:
    """A question of the time when names were shown says the alias once they are hidden."""
    shown = asking_settings(tmp_path, small_phantom, show_file_names=True)
    tokens = accounts(shown)
    database = open_database(shown.database)
    scanned(*shown.slides, database=database)
    with database.session() as session:
        (record,) = list_slide_records(session)
        describe_slide(session, record.id, SlideDescription("S-26-1", stain="PAS"))
    database.close()
    with asking(shown, tokens) as clients:
        client = clients["ada"]
        (slide,) = client.get("/api/slides").raise_for_status().json()
        reading = asked_id(client)
        heard(client, reading)
        body = {"slide": slide["id"], "question": "What is it?", "box": BOX}
        made = client.post("/api/comparisons", json=body).raise_for_status().json()["id"]
        pages = (f"/api/readings/{reading}", f"/api/comparisons/{made}")
        for page in pages:
            told = client.get(page).raise_for_status().json()["slide_identity"]
            assert (told["name"], told["case"]) == ("a.tiff", "S-26-1")
    with asking(shown.model_copy(update={"show_file_names": False}), tokens) as clients:
        for page in pages:
            answer = clients["ada"].get(page).raise_for_status()
            told = answer.json()["slide_identity"]
            assert (told["name"], told["case"]) == (slide["alias"], None)
            assert "a.tiff" not in answer.text and "S-26-1" not in answer.text
