"""An own answer is evidence only if it comes before the model's texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.asking import accounts, asking, asking_settings
from tests.comparing import SCRIPT
from tests.pathviewer.worklists.test_worklists import run


def test_an_answer_after_the_texts_were_compared_is_refused(
    tmp_path: Path, small_phantom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = asking_settings(tmp_path, small_phantom)
    monkeypatch.setenv("PATHVIEWER_DATA", str(settings.data))
    monkeypatch.setenv("PATHVIEWER_SLIDES", str(settings.slides[0]))
    tokens = accounts(settings)
    items, script = tmp_path / "late.jsonl", tmp_path / "script.toml"
    row = {"slide": "a.tiff", "box": [0, 0, 90, 90], "question": "Q?", "options": ["high", "low"]}
    items.write_text(json.dumps(row))
    script.write_text(SCRIPT.replace("{name}", "one"))
    assert run("worklist", "import", str(items))[0] == 0
    generate = ("generate", "late", "--model", f"scripted:{script}", "--samples", "2")
    assert run("worklist", *generate)[0] == 0
    assert run("worklist", "pairs", "late", "--plan", "all")[0] == 0
    with asking(settings, tokens) as clients:
        ada = clients["ada"]
        (worklist,) = ada.get("/api/worklists").json()
        item = ada.post(f"/api/worklists/{worklist['id']}/next").json()["item"]
        own = f"/api/worklist-items/{item['id']}"
        compare = f"/api/worklists/{worklist['id']}/compare"
        assert ada.post(compare).json() == {"comparison": None}  # the item is open
        ada.post(f"{own}/end", json={"skipped": True}).raise_for_status()
        pair = ada.post(compare).json()["comparison"]
        vote = {"key": "vote", "choice": "tie"}
        ada.post(f"/api/comparisons/{pair['id']}/vote", json=vote).raise_for_status()
        late = ada.post(f"{own}/first-answer", json={"answer": "low"})
        assert (late.status_code, "cannot be given any more" in late.text) == (409, True)
        assert len(ada.get(own).raise_for_status().json()["completions"]) == 2
