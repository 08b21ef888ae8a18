"""Readings over HTTP: what is refused, what is told, what is kept back, and whose they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from pathviewer.questions.trace_json import trace_json
from pathviewer.settings import Settings
from tests.asking import BOX, asked, heard
from tests.library_app import write_slide
from tests.servers import running


def test_a_reading_is_told_and_found_again(clients: dict[str, httpx.Client]) -> None:
    client = clients["ada"]
    reading = asked(client, options=["benign", "tumour"]).raise_for_status().json()["id"]
    events = heard(client, reading)
    kinds = [event["type"] for _, event in events]
    assert kinds[0] == "started"
    assert kinds[-4:] == ["ended", "comparing", "maps", "done"]
    (ended,) = [event for _, event in events if event["type"] == "ended"]
    assert ended["trace"]["answer"]["text"] == "A"
    again = [event for _, event in heard(client, reading, events[-1][0])]
    assert (again[0]["type"], again[1]) == ("started", ended)  # from the database, told anew
    told = client.get(f"/api/readings/{reading}").raise_for_status().json()
    assert told["state"] == "done"
    assert told["box"] == BOX
    assert told["completions"][0]["text"] == ended["text"]
    assert told["outside_known_types"] is False
    picture = client.get(f"/api/readings/{reading}/picture.png").raise_for_status()
    assert picture.content.startswith(b"\x89PNG")
    assert reading in {row["id"] for row in client.get("/api/readings").json()}


@pytest.mark.parametrize(
    ("question", "task"),
    [(" How cellular is this region?\n", "cellularity"), ("How cellular is it?", None)],
)
def test_a_known_question_is_known_when_it_is_typed(
    clients: dict[str, httpx.Client], question: str, task: str | None
) -> None:
    reading = asked(clients["ada"], question=question).raise_for_status().json()["id"]
    assert clients["ada"].get(f"/api/readings/{reading}").json()["task"] == task


def test_a_reading_is_its_authors_and_the_administrators(clients: dict[str, httpx.Client]) -> None:
    reading = asked(clients["ada"]).raise_for_status().json()["id"]
    for path in ("", "/events", "/picture.png"):
        assert clients["bob"].get(f"/api/readings/{reading}{path}").status_code == 404
    assert clients["bob"].post(f"/api/readings/{reading}/stop").status_code == 404
    assert clients["bob"].get("/api/readings").json() == []
    assert clients["eve"].get(f"/api/readings/{reading}").status_code == 200


def test_a_researcher_sees_others_readings_and_does_not_act_on_them(
    clients: dict[str, httpx.Client],
) -> None:
    reading = asked(clients["ada"]).raise_for_status().json()["id"]
    heard(clients["ada"], reading)
    rex, eve = clients["rex"], clients["eve"]
    assert rex.get(f"/api/readings/{reading}").status_code == 200
    for path in ("/stop", "/completions/0/deletion"):
        refused = rex.post(f"/api/readings/{reading}{path}", json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
        assert "Ask it again to get your own." in refused.json()["error"]["message"]
    assert clients["ada"].get(f"/api/readings/{reading}").json()["completions"][0]["deletion"] == []
    again = rex.post(f"/api/readings/{reading}/again").raise_for_status().json()["id"]
    assert rex.post(f"/api/readings/{again}/stop").status_code == 202
    assert eve.post(f"/api/readings/{reading}/stop").status_code == 202


def test_blind_first_tells_nothing_of_the_answer(clients: dict[str, httpx.Client]) -> None:
    client = clients["ada"]
    reading = asked(client, blind=True).raise_for_status().json()["id"]
    events = heard(client, reading, until="first_answer_wanted")
    assert "text" not in {event["type"] for _, event in events}
    assert client.get(f"/api/readings/{reading}").json()["completions"] == []
    path = f"/api/readings/{reading}/first-answer"
    assert client.post(path, json={"answer": " "}).status_code == 400
    assert clients["eve"].post(path, json={"answer": "benign"}).status_code == 403
    assert client.post(path, json={"answer": "benign", "confidence": 4}).status_code == 200
    assert client.post(path, json={"answer": "tumour"}).status_code == 409
    assert heard(client, reading, events[-1][0])[-1][1]["type"] == "done"
    told = client.get(f"/api/readings/{reading}").json()
    assert (told["first_answer"], told["first_confidence"]) == ("benign", 4)


def test_the_same_seed_gives_the_same_answers(clients: dict[str, httpx.Client]) -> None:
    client, told = clients["ada"], []
    for _ in range(2):
        drawn = {"temperature": 1, "seed": 5}
        reading = asked(client, sampling=drawn, count=2).raise_for_status().json()["id"]
        heard(client, reading)
        completions = client.get(f"/api/readings/{reading}").json()["completions"]
        told.append([one["text"] for one in completions])
    assert told[0] == told[1]
    assert len(told[0]) == 2


def test_stop_ends_within_a_token(clients: dict[str, httpx.Client]) -> None:
    client = clients["ada"]
    reading = asked(client).raise_for_status().json()["id"]
    heard(client, reading, until="text")
    assert client.post(f"/api/readings/{reading}/stop").status_code == 202
    (ended,) = [event for _, event in heard(client, reading) if event["type"] == "ended"]
    assert ended["finish"] == "cancelled"


@pytest.mark.parametrize(
    ("given", "status", "sentence"),
    [
        ({"question": "  "}, 400, "question is empty"),
        ({"question": "x" * 20_000}, 400, "20,000 characters"),
        ({"question": 7}, 400, "question must be a text, not 7"),
        ({"context": {"organ": 7}}, 400, "context.organ must be a text, not 7"),
        ({"sampling": 5}, 400, "an object"),
        ({"options": ["one"]}, 400, "no choice"),
        ({"box": None}, 400, "box must be an object with x, y, width, height, not null"),
        ({"box": {**BOX, "width": 0}}, 400, "at least 1 x 1"),
        ({"box": {**BOX, "x": 2**39}}, 400, "leaves the slide"),
        ({"slide": "nowhere"}, 404, "slide"),
        ({"count": 9}, 400, "1 to 8"),
        ({"count": 1.0}, 400, "1 to 8"),  # equals 1, but counts nothing
        ({"sampling": {"temperature": 7}}, 400, "temperature"),
        ({"sampling": {"seed": -1}}, 400, "seed"),
        ({"max_pixels": 1}, 400, "max_pixels"),
        (
            {
                "count": 8,
                "sampling": {"max_new_tokens": 4096},
                "box": {"x": 0, "y": 0, "width": 2000, "height": 2000},
                "max_pixels": 1_204_224,
            },
            400,
            "in 4 layers takes 380 MiB of memory; at most 336 MiB are kept. Ask for fewer answers",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(
    clients: dict[str, httpx.Client], given: dict[str, Any], status: int, sentence: str
) -> None:
    answer = asked(clients["ada"], **given)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]["message"]


def test_half_a_surrogate_pair_is_no_text(clients: dict[str, httpx.Client]) -> None:
    client = clients["ada"]
    (slide,) = client.get("/api/slides").json()
    body = json.dumps({"slide": slide["id"], "box": BOX, "question": "What \ud800?"})
    answer = client.post("/api/readings", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_json")
    assert "question holds half" in answer.json()["error"]["message"]


def test_the_preview_shows_size_grid_and_picture(clients: dict[str, httpx.Client]) -> None:
    client = clients["ada"]
    (slide,) = client.get("/api/slides").json()
    path = f"/api/slides/{slide['id']}/preview"
    corners = [[0, 0], [60, 0], [60, 40]]
    body = {"box": BOX, "points": corners, "paint_outside": True, "max_pixels": 12_544}
    seen = client.post(path, json=body).raise_for_status().json()
    assert (seen["columns"] * 28, seen["rows"] * 28) == (seen["width"], seen["height"])
    assert seen["width"] * seen["height"] <= 12_544
    assert seen["picture"].startswith("data:image/png;base64,")


@pytest.mark.long
def test_without_a_model_the_question_is_refused_and_the_slides_stay(tmp_path: Path) -> None:
    write_slide(tmp_path / "slides" / "a.tiff")
    settings = Settings(data=tmp_path / "state", slides=(tmp_path / "slides",), model="none")
    with running(settings) as base, httpx.Client(base_url=base, headers={"Origin": base}) as client:
        assert client.get("/api/model").json()["state"] == "stopped"
        assert client.get("/api/questions").json()["tasks"]
        answer = asked(client)
        assert answer.status_code == 503
        assert answer.json()["error"]["message"]


def test_spans_count_as_javascript_does() -> None:
    text = "<think>Step 1: 🔬 seen.\nStep 2: dense.</think><answer>B</answer>"
    trace = trace_json(text, "stop")
    units = text.encode("utf-16-le")
    for piece in (*trace["steps"], trace["answer"]):
        cut = units[2 * piece["start"] : 2 * piece["stop"]]
        assert cut.decode("utf-16-le") == piece["text"]
    assert [step["state"] for step in trace["steps"]] == ["done", "done"]
    assert trace_json(text[:30], "cancelled")["steps"][-1]["state"] == "cut off"
