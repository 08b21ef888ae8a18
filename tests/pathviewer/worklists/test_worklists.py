"""A worklist from the file to the judgment: imported, answered beforehand, handed out blind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from pathviewer.commands.main import app
from pathviewer.settings import Settings
from storage.database import open_database
from storage.tables import Completion
from tests.asking import Clients, accounts, asking, asking_settings
from tests.commands import called

QUESTION = {"question": "How cellular is it?", "options": ["low", "high"], "answer": "high"}


@dataclass(frozen=True)
class Ward:
    """A running application with two lists, one blind and one to teach with."""

    settings: Settings
    clients: Clients


def run(*arguments: str) -> tuple[int, str, str]:
    done = called(app, *arguments)
    return done.code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Ward]:
    folder = tmp_path_factory.mktemp("ward")
    settings = asking_settings(folder, small_phantom)
    items = folder / "items.jsonl"
    boxes = [[300 * number, 0, 280, 280] for number in range(3)]
    rows = [QUESTION | {"slide": "a.tiff", "box": box} for box in boxes]
    items.write_text("\n".join(map(json.dumps, rows)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATHVIEWER_DATA", str(settings.data))
        patch.setenv("PATHVIEWER_SLIDES", str(settings.slides[0]))
        tokens = accounts(settings)
        assert run("worklist", "import", str(items), "--name", "blind")[0] == 0
        assert run("worklist", "import", str(items), "--no-blind", "--teaching")[0] == 0
        code, told, bar = run(
            "worklist", "generate", "blind", "--model", "scripted", "--samples", "2"
        )
        assert (code, told) == (0, "Generated the answers of 3 items.\n"), bar
        with asking(settings, tokens) as clients:
            yield Ward(settings, clients)


def named(ward: Ward, who: str, name: str) -> dict[str, object]:
    lists = ward.clients[who].get("/api/worklists").raise_for_status().json()
    return next(each for each in lists if each["name"] == name)


def test_commands(ward: Ward, tmp_path: Path) -> None:
    assert run("worklist", "list")[1].splitlines() == [
        "blind  3 of 3 items made  blind",
        "items  0 of 3 items made  teaching",
    ]
    again = tmp_path / "blind.jsonl"
    again.write_text(json.dumps(QUESTION | {"slide": "a.tiff", "box": [0, 0, 9, 9]}))
    told = "The worklist blind was already imported; choose another name."
    assert run("worklist", "import", str(again)) == (1, "", told)
    # what is made stays as it is
    done = run("worklist", "generate", "blind", "--model", "scripted")
    assert done[:2] == (0, "Generated the answers of 0 items.\n")
    assert "no worklist 'none'" in run("worklist", "generate", "none", "--model", "scripted")[2]


def test_generated_answers_have_their_tokens(ward: Ward) -> None:
    database = open_database(ward.settings.database)
    with database.read_only() as session:
        found = session.scalars(select(Completion)).all()
        assert len(found) >= 6
        for each in found:
            assert len(each.token_ids) == len(each.token_ends) > 0
            assert each.token_ends[-1] == len(each.text)
            assert each.token_logprobs is None  # a script gives none
    database.close()


def test_an_item_is_judged_blind(ward: Ward) -> None:
    ada, bob = ward.clients["ada"], ward.clients["bob"]
    path = f"/api/worklists/{named(ward, 'ada', 'blind')['id']}/next"
    item = ada.post(path, json={}).raise_for_status().json()["item"]
    assert (item["question"], item["options"]) == ("How cellular is it?", ["low", "high"])
    assert (item["completions"], item["reading"], item["reference_answer"]) == (None, None, None)
    assert ada.post(path, json={}).json()["item"] == item
    own = f"/api/worklist-items/{item['id']}"
    assert ada.get(own).json() == item
    assert bob.get(own).status_code == 404
    assert ada.post(f"{own}/end", json={}).status_code == 409
    assert ada.post(f"{own}/first-answer", json={"answer": " "}).status_code == 400
    seen = ada.post(f"{own}/first-answer", json={"answer": "low", "confidence": 2}).json()
    assert (seen["first_answer"], len(seen["completions"])) == ("low", 2)
    assert ada.post(f"{own}/first-answer", json={"answer": "high"}).status_code == 409
    # the reading with its maps is the rater's to see now, and nobody else's who was not given it
    reading = f"/api/readings/{seen['reading']}"
    assert ada.get(reading).raise_for_status().json()["state"] == "done"
    assert ada.get(f"{reading}/picture.png").status_code == 200
    assert bob.get(reading).status_code == 404
    body = {"key": "1", "completion": seen["completions"][0]["id"], "kind": "verdict"}
    assert bob.post("/api/feedback", json=body | {"verdict": "correct"}).status_code == 404
    assert ada.post("/api/feedback", json=body | {"verdict": "correct"}).status_code == 201
    assert ada.post(f"{own}/end", json={}).status_code == 200
    after = ada.post(path, json={}).json()
    assert after["item"]["id"] != item["id"]
    assert after["progress"] == {"items": 3, "made": 3, "mine": 3, "done": 1, "skipped": 0}


def test_nobody_sees_answers_before_his_own(ward: Ward) -> None:
    """Not over the reading's own routes either, and not who may see everything."""
    eve, bob = ward.clients["eve"], ward.clients["bob"]
    path = f"/api/worklists/{named(ward, 'eve', 'blind')['id']}/next"
    item = eve.post(path, json={}).json()["item"]
    bob_item = item["id"]
    while True:  # bob comes to the same item
        found = bob.post(path, json={}).json()["item"]
        if found["id"] == bob_item:
            break
        bob.post(f"/api/worklist-items/{found['id']}/end", json={"skipped": True})
    seen = bob.post(f"/api/worklist-items/{bob_item}/first-answer", json={"answer": "x"}).json()
    assert eve.get(f"/api/readings/{seen['reading']}").status_code == 409
    assert eve.get(f"/api/readings/{seen['reading']}/completions/0/maps").status_code == 409
    completion = seen["completions"][0]["id"]
    assert eve.get(f"/api/completions/{completion}/feedback").status_code == 409
    body = {"key": "9", "completion": completion, "kind": "verdict", "verdict": "correct"}
    assert eve.post("/api/feedback", json=body).status_code == 409


@pytest.mark.long
def test_a_list_to_teach_with_shows_the_reference_and_is_not_exported(
    ward: Ward, tmp_path: Path
) -> None:
    assert run("worklist", "generate", "items", "--model", "scripted")[0] == 0
    ada = ward.clients["ada"]
    path = f"/api/worklists/{named(ward, 'ada', 'items')['id']}/next"
    item = ada.post(path, json={}).json()["item"]
    assert (item["blind"], item["reference_answer"], len(item["completions"])) == (False, None, 1)
    body = {"key": "t1", "completion": item["completions"][0]["id"], "kind": "verdict"}
    told = {"verdict": "incorrect", "corrected_answer": "low"}
    assert ada.post("/api/feedback", json=body | told).status_code == 201
    shown = ada.get(f"/api/worklist-items/{item['id']}").json()
    assert shown["reference_answer"] == "high"

    def completions(*more: str) -> set[str]:
        from datasets import load_dataset

        out = tmp_path / f"out{len(more)}"
        given = ["export", "--format", "unpaired", "--out", str(out), "--splits", "1,0,0"]
        assert run(*given, *more)[0] == 0
        loaded = load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
        return {str(each) for each in loaded["train"]["completion_id"]}

    assert body["completion"] not in completions()
    assert body["completion"] in completions("--teaching")
