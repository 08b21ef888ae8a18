"""A reading as one page to print: all in it, nothing of others, nothing that runs."""

from __future__ import annotations

import re

import pytest

from pathviewer.questions.report import scale_bar
from tests.asking import Clients, asked_id, heard

WHERE = "Where is it? <b>locate</b>"


def test_a_report_has_everything_in_it(clients: Clients) -> None:
    client = clients["ada"]
    reading = asked_id(client, question=WHERE, options=["left", "right"])
    heard(client, reading)
    (answer,) = client.get(f"/api/readings/{reading}").json()["completions"]
    said = {"key": "r1", "completion": answer["id"]}
    verdict = {"kind": "verdict", "verdict": "incorrect", "corrected_answer": "<i>left</i>"}
    client.post("/api/feedback", json=said | verdict).raise_for_status()
    steps = [{"step": 0, "events": ["contradiction"], "quote": None}]
    labels = {"key": "r2", "kind": "labels", "absences": ["missing_knowledge"], "steps": steps}
    client.post("/api/feedback", json=said | labels).raise_for_status()
    edits = [{"step": 0, "text": "It is <b>not</b>."}, {"step": 1, "text": None}]
    edited = {"key": "r3", "kind": "edited_trace", "edited_steps": edits}
    client.post("/api/feedback", json=said | edited).raise_for_status()
    page = client.get(f"/api/readings/{reading}/report.html").raise_for_status().text
    for words in (
        "Not for diagnosis",
        "Where is it? &lt;b&gt;locate&lt;/b&gt;",
        "Options: left; right",
        "Answer: A. left",
        "Judged: incorrect",
        "&lt;i&gt;left&lt;/i&gt;",
        "A statement contradicts another one",
        "No medical knowledge is named",
        "Rewritten: <ins>It is &lt;b&gt;not&lt;/b&gt;.</ins>",
        "Struck out.",
        "scripted",
        "of the attention fell on the region",
    ):
        assert words in page, words
    # every picture is in the page itself: the region, each step, the answer
    sources = re.findall(r'src="([^"]{0,40})', page)
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    # another one who may see the reading finds nothing of what ada said
    others = clients["eve"].get(f"/api/readings/{reading}/report.html").raise_for_status().text
    assert "Judged:" not in others
    assert "Flagged:" not in others
    assert "Rewritten:" not in others
    assert "<del>" not in others
    assert clients["bob"].get(f"/api/readings/{reading}/report.html").status_code == 404


def test_what_is_diffuse_is_said_and_not_drawn(clients: Clients) -> None:
    box = {"x": 0, "y": 0, "width": 400, "height": 300}  # cells enough for a map to point
    reading = asked_id(clients["ada"], question=WHERE, box=box)
    heard(clients["ada"], reading)
    page = clients["ada"].get(f"/api/readings/{reading}/report.html").raise_for_status().text
    drawn, said = page.count("Attention: localised;"), page.count("Attention: diffuse: not")
    assert (drawn > 0, said > 0) == (True, True)
    assert page.count("<img ") == 1 + drawn  # the region and what points


def test_stored_evidence_stands_in_the_place_of_attention(clients: Clients) -> None:
    client = clients["ada"]
    box = {"x": 0, "y": 0, "width": 400, "height": 300}
    reading = asked_id(client, question=WHERE, box=box)
    heard(client, reading)
    path = f"/api/readings/{reading}/completions/0/evidence"
    found = client.post(path, json={}).raise_for_status().json()
    page = client.get(f"/api/readings/{reading}/report.html").raise_for_status().text
    assert "Attention:" not in page
    tests = [each["test"] for each in found["passages"] if each["name"] != "all"]
    for test in tests:
        assert test["sentence"] in page
    drawn = sum(test["claim"] == "place" for test in tests)
    assert page.count("<img ") == 1 + drawn, "the region and what points"
    assert "What the answer depends on." in page


def test_a_blind_reading_has_no_report_before_its_answer(clients: Clients) -> None:
    client = clients["ada"]
    reading = asked_id(client, blind=True)
    heard(client, reading, until="first_answer_wanted")
    answer = client.get(f"/api/readings/{reading}/report.html")
    assert answer.status_code == 409
    assert "own answer" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("width", "mpp", "label", "percent"),
    [
        (448, 0.5, "50 µm", 22.32),
        (1000, 0.25, "50 µm", 20),
        (2000, 10, "5 mm", 25),
        (448, None, None, None),  # not known is not guessed
        (3, 0.25, None, None),  # too small for any
    ],
)
def test_a_scale_bar_is_a_round_length_within_the_picture(
    width: int, mpp: float | None, label: str | None, percent: float | None
) -> None:
    bar = scale_bar(width, mpp)
    assert (bar and bar.label) == label
    assert (bar and bar.percent) == (percent and pytest.approx(percent, abs=0.01))
