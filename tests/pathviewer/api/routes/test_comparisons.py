"""Comparing over HTTP: nothing is told before the vote; an undone vote is superseded."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from storage.accounts.store import find_account
from storage.comparisons.pair_assignment import next_comparison
from storage.database import open_database
from storage.tables import now
from storage.worklists.store import find_worklist
from tests.asking import BOX, Clients, accounts, asking, asking_settings, heard
from tests.comparing import QUESTION, list_with_pairs


@dataclass(frozen=True)
class Ward:
    """A running application with a list whose pairs are of two scripts."""

    clients: Clients
    list_id: str
    database: str

    def next(self, who: str) -> dict[str, Any]:
        answer = self.clients[who].post(f"/api/worklists/{self.list_id}/compare")
        return dict(answer.raise_for_status().json())

    def post(self, who: str, comparison: str, verb: str, **body: Any) -> httpx.Response:
        body = {"key": uuid.uuid4().hex} | body if verb != "skip" else body
        return self.clients[who].post(f"/api/comparisons/{comparison}/{verb}", json=body)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Ward]:
    folder = tmp_path_factory.mktemp("ward")
    settings = asking_settings(folder, small_phantom)
    tokens = accounts(settings)
    list_with_pairs(settings, "a.tiff")
    with asking(settings, tokens) as clients:
        (found,) = clients["ada"].get("/api/comparisons").raise_for_status().json()
        yield Ward(clients, found["id"], settings.database)


def test_names_and_others_votes_are_told_after_the_vote_alone(ward: Ward) -> None:
    one = ward.next("ada")["comparison"]
    assert one["state"] == "ready"
    assert {side: one["sides"][side]["trace"]["steps"][0]["text"][:6] for side in one["sides"]}
    hidden = json.dumps(one)
    assert all(one[name] is None for name in ("vote", "names", "others", "drawn", "reading"))
    assert "scripted" not in hidden
    assert "seed" not in hidden
    saved = ward.post("ada", one["id"], "vote", choice="left", reasons=["unsafe"]).json()
    assert saved["vote"]["choice"] == "left"
    assert saved["vote"]["reasons"] == ["unsafe"]
    assert saved["drawn"] == {"plan": "between-models", "seed": 0, "probability": 6 / 16}
    assert saved["others"] == []
    readings = {saved["names"][side]["reading"] for side in ("left", "right")}
    assert len(readings) == 2
    # the same reading by any other way: open to her now, closed to bob until he has voted
    for reading in readings:
        assert ward.clients["ada"].get(f"/api/readings/{reading}").status_code == 200
        assert ward.clients["bob"].get(f"/api/readings/{reading}").status_code == 404
    his = until(ward, "bob", one["box"])
    assert his["others"] is None
    pair = [
        ward.clients["ada"]
        .get(f"/api/readings/{side['reading']}")
        .json()["completions"][side["index"]]["id"]
        for side in saved["names"].values()
    ]
    around = {"key": "k", "kind": "preference", "completion": pair[0], "other": pair[1]}
    around |= {"left": pair[0], "choice": "tie"}
    refused = ward.clients["ada"].post("/api/feedback", json=around)
    assert (refused.status_code, "pair of a worklist" in refused.text) == (409, True)
    for reading in readings:
        refused = ward.clients["bob"].get(f"/api/readings/{reading}")
        assert refused.status_code in (404, 409), refused.text
    his = ward.post("bob", his["id"], "vote", choice="both_bad").json()
    known = {side: (his["names"][side]["reading"], his["names"][side]["index"]) for side in SIDES}
    hers = {
        side: (saved["names"][side]["reading"], saved["names"][side]["index"]) for side in SIDES
    }
    if set(known.values()) == set(hers.values()):
        seen = "left" if known == hers else "right"
        assert his["others"] == [{"rater": "Rater A", "choice": seen}]


SIDES = ("left", "right")


def until(ward: Ward, who: str, box: dict[str, int]) -> dict[str, Any]:
    """The next pair of this region; whatever comes before is passed over."""
    while one := ward.next(who)["comparison"]:
        if one["box"] == box:
            return dict(one)
        ward.post(who, one["id"], "skip").raise_for_status()
    raise AssertionError(box)


def test_whoever_sees_all_is_told_no_name_either(ward: Ward) -> None:
    one = ward.next("eve")["comparison"]
    assert ward.clients["ada"].get(f"/api/comparisons/{one['id']}").status_code == 404
    assert ward.post("ada", one["id"], "vote", choice="left").status_code == 404
    saved = ward.post("eve", one["id"], "vote", choice="tie").json()
    reading = saved["names"]["left"]["reading"]
    assert ward.clients["eve"].get(f"/api/readings/{reading}").status_code == 200
    undone = ward.post("eve", one["id"], "undo").json()
    assert (undone["names"], undone["vote"], undone["state"]) == (None, None, "ready")
    refused = ward.clients["eve"].get(f"/api/readings/{reading}")
    assert (refused.status_code, "vote first" in refused.text) == (409, True)
    completions = ward.clients["ada"].get(f"/api/readings/{reading}")
    assert completions.status_code in (200, 404, 409)


def test_a_first_vote_is_not_told_while_its_pair_is_compared_again(ward: Ward) -> None:
    first = ward.next("eve")["comparison"]
    voted = ward.post("eve", first["id"], "vote", choice="left").json()
    again = again_in_hand(ward, "eve")
    assert again != first["id"]
    own = f"/api/comparisons/{first['id']}"
    for answer in (
        ward.clients["eve"].get(own),
        ward.clients["eve"].get(f"{own}/left/maps"),
        ward.post("eve", first["id"], "undo"),
    ):
        assert (answer.status_code, "You judge this again" in answer.text) == (409, True)
    told = ward.next("eve")["comparison"]
    assert (told["id"], told["round"], told["vote"], told["names"]) == (again, 1, None, None)
    ward.post("eve", again, "vote", choice="tie").raise_for_status()
    told = ward.clients["eve"].get(own).raise_for_status().json()
    assert told["vote"] == voted["vote"]
    late = ward.post("eve", first["id"], "undo")
    assert (late.status_code, "cannot be undone" in late.text) == (409, True)


def again_in_hand(ward: Ward, who: str) -> str:
    """Have what somebody voted on last handed out again, as after the washout; its id."""
    database = open_database(ward.database)
    with database.session() as session:
        worklist = replace(find_worklist(session, ward.list_id), repeats=1.0)
        account = find_account(session, who)
        assert account is not None
        one = next_comparison(session, worklist, account.id, now() + timedelta(days=1))
    database.close()
    assert one is not None
    return one.id


def test_a_vote_is_one_submission_and_can_be_taken_back(ward: Ward) -> None:
    one = ward.next("ada")["comparison"]
    body = {"key": "once", "choice": "right", "comment": "clearer", "seconds": 3.5}
    first = ward.post("ada", one["id"], "vote", **body)
    assert ward.post("ada", one["id"], "vote", **body).json() == first.json()
    again = ward.post("ada", one["id"], "vote", choice="left")
    assert (again.status_code, "undo" in again.text) == (409, True)
    assert ward.post("ada", one["id"], "skip").status_code == 409
    done = first.json()["progress"]["done"]
    undone = ward.post("ada", one["id"], "undo", key="back").json()
    assert undone["vote"] is None
    assert ward.post("ada", one["id"], "undo", key="back").status_code == 200
    assert ward.post("ada", one["id"], "undo").status_code == 409
    told = ward.next("ada")
    assert told["comparison"]["id"] == one["id"]
    assert told["comparison"]["sides"] == one["sides"]
    assert told["comparison"]["progress"]["done"] == done - 1
    saved = ward.post("ada", one["id"], "vote", choice="left").json()
    assert saved["vote"]["comment"] is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"choice": "undone"}, "an undone vote is not one to cast"),
        ({"choice": "left", "reasons": ["ugly"]}, "no such reason"),
        ({"choice": "left", "reasons": "unsafe"}, "reasons are a list"),
        ({"choice": "left", "key": ""}, "a key is a text"),
    ],
)
def test_a_vote_that_says_nothing_is_refused(ward: Ward, body: dict[str, Any], why: str) -> None:
    one = ward.next("eve")["comparison"]
    answer = ward.post("eve", one["id"], "vote", **body)
    assert answer.status_code == 400, why


def test_maps_of_each_side(ward: Ward) -> None:
    one = ward.next("eve")["comparison"]
    for side in SIDES:
        told = ward.clients["eve"].get(f"/api/comparisons/{one['id']}/{side}/maps").json()
        assert told["box"] == one["box"]
    assert ward.clients["eve"].get(f"/api/comparisons/{one['id']}/middle/maps").status_code == 400
    assert ward.clients["bob"].get(f"/api/comparisons/{one['id']}/left/maps").status_code == 404


def test_a_question_of_ones_own_is_answered_twice(ward: Ward) -> None:
    ada = ward.clients["ada"]
    slide = ada.get("/api/slides").json()[0]["id"]
    asked = ada.post("/api/comparisons", json={"slide": slide, "box": BOX, **QUESTION})
    assert asked.status_code == 201, asked.text
    one = asked.json()
    heard(ada, one["reading"])
    told = ada.get(f"/api/comparisons/{one['id']}").json()
    assert told["state"] == "ready"
    left = told["sides"]["left"]["text"]
    reading = ada.get(f"/api/readings/{one['reading']}").json()
    assert left == reading["completions"][int(told["flipped"])]["text"]
    saved = ward.post("ada", one["id"], "vote", choice="tie").json()
    assert saved["names"]["left"]["model"] == "scripted"
    assert saved["drawn"] is None
    empty = ada.post("/api/comparisons", json={"slide": slide, "box": BOX, "question": ""})
    assert empty.status_code == 400
