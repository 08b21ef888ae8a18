"""An item that comes again is judged afresh: raters do not see what they said the first time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asking import Clients, accounts, asking, asking_settings
from tests.pathviewer.worklists.test_report import judge, next_item, report
from tests.pathviewer.worklists.test_worklists import run


@pytest.fixture
def clients(
    tmp_path: Path, small_phantom: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Clients]:
    """Raters of a worklist with one item that comes again at once."""
    settings = asking_settings(tmp_path, small_phantom, washout_days=0)
    monkeypatch.setenv("PATHVIEWER_DATA", str(settings.data))
    monkeypatch.setenv("PATHVIEWER_SLIDES", str(settings.slides[0]))
    tokens = accounts(settings)
    items = tmp_path / "once.jsonl"
    row = {"slide": "a.tiff", "box": [0, 0, 90, 90], "question": "Q?", "options": ["high", "low"]}
    items.write_text(json.dumps(row))
    assert run("worklist", "import", str(items), "--repeats", "1")[0] == 0
    assert run("worklist", "generate", "once", "--model", "scripted")[0] == 0
    with asking(settings, tokens) as clients:
        yield clients


def test_the_report_hides_the_earlier_answer_until_a_repeat_ends(clients: Clients) -> None:
    eve = clients["eve"]  # an administrator who judges sees reports
    judge(eve, answer="first round")
    assert "first round" in report(eve).raise_for_status().text
    judge(eve, answer="second round", ended=False)
    page = report(eve).raise_for_status().text
    assert "second round" in page
    assert "first round" not in page
    eve.post(f"/api/worklist-items/{next_item(eve)['id']}/end", json={}).raise_for_status()
    assert "first round" in report(eve).raise_for_status().text


def test_a_repeat_is_judged_afresh(clients: Clients) -> None:
    ada = clients["ada"]
    judge(ada)
    item = next_item(ada)
    assert (item["round"], item["first_answer"], item["completions"]) == (1, None, None)
    own = f"/api/worklist-items/{item['id']}"
    seen = ada.post(f"{own}/first-answer", json={"answer": "low"}).raise_for_status().json()
    (answer,) = seen["completions"]
    assert answer["judged"] is False
    path = f"/api/completions/{answer['id']}/feedback"
    told = ada.get(path).json()
    assert (told["own"]["verdict"], told["history"], told["others"]) == (None, [], None)
    page = f"/api/readings/{seen['reading']}/report.html"
    assert "artly correct" not in ada.get(page).raise_for_status().text
    nothing = {"key": "no", "kind": "evidence", "completion": answer["id"], "box": None}
    reward = ada.post("/api/feedback", json=nothing).raise_for_status().json()["reward"]
    assert (reward["outcome"], reward["process"]) == (None, None)
    body = {"key": "again", "kind": "verdict", "completion": answer["id"]}
    said = ada.post("/api/feedback", json=body | {"verdict": "correct"}).raise_for_status()
    assert said.json()["supersedes"]  # the first one stays in the history
    assert len(ada.get(path).json()["history"]) == 2
    assert ada.post(f"{own}/end", json={}).json() == {"id": item["id"], "again": False}
    assert ada.post(f"{own}/end", json={}).json() == {"id": item["id"], "again": True}
    assert len(ada.get(path).json()["history"]) == 4
    assert "orrect" in ada.get(page).raise_for_status().text
