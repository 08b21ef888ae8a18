"""A question holds what its page showed of the slide; the server asks about nothing else."""

from __future__ import annotations

from tests.asking import Clients, asked, asked_id, heard


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
