"""A slide's map: one's own questions and verdicts, and others' as far as one may see them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asking import Clients, accounts, asked_id, asking, asking_settings, heard
from tests.comparing import list_with_pairs


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Clients]:
    """Two clinicians, an administrator, and a list with pairs."""
    settings = asking_settings(tmp_path_factory.mktemp("map"), small_phantom)
    tokens = accounts(settings)
    list_with_pairs(settings, "a.tiff", items=4)
    with asking(settings, tokens) as made:
        yield made


def slide_map(clients: Clients, who: str) -> dict[str, dict[str, Any]]:
    """What somebody sees, by reading."""
    (slide,) = clients[who].get("/api/slides").raise_for_status().json()
    told = clients[who].get(f"/api/slides/{slide['id']}/map").raise_for_status().json()
    assert told["more"] is False
    return {one["reading"]: one for one in told["questions"]}


def say(clients: Clients, who: str, reading: str, kind: str, **told: Any) -> None:
    """Judge a reading's first answer."""
    found = clients[who].get(f"/api/readings/{reading}").raise_for_status().json()
    completion = found["completions"][0]["id"]
    body = {"key": uuid.uuid4().hex, "completion": completion, "kind": kind, **told}
    clients[who].post("/api/feedback", json=body).raise_for_status()


def test_verdicts_and_evidence_of_what_one_may_see(clients: Clients) -> None:
    reading = asked_id(clients["ada"])
    heard(clients["ada"], reading)
    assert slide_map(clients, "ada")[reading]["verdict"] is None
    say(clients, "ada", reading, "verdict", verdict="correct")
    box = {"x": 1, "y": 2, "width": 3, "height": 4}
    say(clients, "ada", reading, "evidence", box=box)
    mine = slide_map(clients, "ada")
    assert set(mine) == {reading}
    assert mine[reading]["verdict"] == "correct"
    assert mine[reading]["evidence"] == [{"box": box, "points": None}]
    # another clinician sees none of it, the administrator the question, and hers after her own
    assert slide_map(clients, "bob") == {}
    seen = slide_map(clients, "eve")[reading]
    assert (seen["verdict"], seen["evidence"]) == (None, [])
    say(clients, "eve", reading, "verdict", verdict="incorrect")
    assert slide_map(clients, "eve")[reading]["verdict"] == "incorrect"
    say(clients, "eve", reading, "labels", absences=[], steps=[])
    assert slide_map(clients, "eve")[reading]["verdict"] == "mixed"
    assert slide_map(clients, "ada")[reading]["verdict"] == "correct"


def test_a_pair_stands_on_the_map_once_it_is_voted_on(clients: Clients) -> None:
    (found,) = clients["bob"].get("/api/comparisons").raise_for_status().json()
    one = clients["bob"].post(f"/api/worklists/{found['id']}/compare").json()["comparison"]
    assert slide_map(clients, "bob") == {}
    body = {"key": "k", "choice": "left"}
    saved = clients["bob"].post(f"/api/comparisons/{one['id']}/vote", json=body).json()
    readings = {saved["names"][side]["reading"] for side in ("left", "right")}
    assert set(slide_map(clients, "bob")) == readings
