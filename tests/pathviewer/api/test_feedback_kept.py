"""Feedback over HTTP: kept once, superseded, with what it concerns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.reward import EVENTS
from storage.audit import list_entries
from tests.pathviewer.api.feedback_site import STEPS, TEXT, Site


def test_a_verdict_is_kept_superseded_and_found_again(either_site: Site) -> None:
    site = either_site
    first = site.send("ada", verdict="incorrect", corrected_answer=" A ", confidence=3)
    assert first.status_code == 201
    second = site.send("ada", key="k2", comment="<script>alert(1)</script>", seconds=4.5)
    assert second.json()["supersedes"] == first.json()["id"]
    told = site.shown("ada")
    now = told["own"]["verdict"]
    assert (now["id"], now["created_at"]) == (second.json()["id"], second.json()["created_at"])
    assert (now["verdict"], now["comment"]) == ("correct", "<script>alert(1)</script>")
    assert [said["id"] for said in told["history"]] == [second.json()["id"], first.json()["id"]]
    assert told["history"][1]["corrected_answer"] == "A"
    assert told["own"]["labels"] is None
    assert (told["others"], told["others_withheld"]) == (None, True)
    with site.database.read_only() as session:
        entries = list_entries(session)
    assert [(entry.action, entry.detail["kind"]) for entry in entries] == [("judge", "verdict")] * 2
    assert entries[0].detail["feedback"] == second.json()["id"]


def test_the_same_submission_again_is_answered_the_same(site: Site) -> None:
    first, again = (site.send("ada", comment="x") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = site.send("ada", comment="y")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert len(site.shown("ada")["history"]) == 1
    assert site.send("eve", comment="z").status_code == 201  # a key is one's own


def test_labels_keep_what_they_concern(site: Site) -> None:
    start = TEXT.index("dark") + 1  # the microscope is two UTF-16 units
    steps = [
        {"step": 1, "events": ["not_in_region", "contradiction"], "quote": "dark"},
        {"step": 2, "events": [], "step_class": "Reasoning"},
        {"step": 0, "events": ["wrong_definition"], "start": 10, "stop": 12},
    ]
    assert site.send("ada", kind="labels", absences=[], steps=steps).status_code == 201
    kept = site.shown("ada")["own"]["labels"]["steps"]
    assert kept[0] == {
        "step": 1,
        "events": ["contradiction", "not_in_region"],
        "quote": "dark",
        "start": start,
        "stop": start + 4,
        "step_class": None,
    }
    assert (kept[1]["quote"], kept[1]["step_class"]) == (None, "Reasoning")
    assert kept[2]["quote"] == "🔬"


@pytest.mark.parametrize(
    ("edits", "text"),
    [
        ([], TEXT),  # takes former edits back
        ([{"step": 1, "text": None}], TEXT.replace(STEPS[1] + "\n", "")),
        ([{"step": 2, "text": None}], TEXT.replace(STEPS[2], "")),
        ([{"step": 1, "text": "2. Nuclei are pale."}], TEXT.replace("dark", "pale")),
        (
            [{"step": 2, "text": "3. Benign."}, {"step": 0, "text": None}],
            TEXT.replace(STEPS[0] + "\n", "").replace(STEPS[2], "3. Benign."),
        ),
    ],
)
def test_the_server_writes_the_edited_text(site: Site, edits: list[Any], text: str) -> None:
    answer = site.send("ada", kind="edited_trace", edited_steps=edits)
    assert answer.status_code == 201, answer.text
    kept = site.shown("ada")["own"]["edited_trace"]
    assert kept["edited_text"] == text
    assert kept["edited_steps"] == sorted(edits, key=lambda edit: int(edit["step"]))


def test_an_evidence_region_and_a_comparison(site: Site) -> None:
    first, second, _ = site.completions
    box = {"x": 5, "y": 6, "width": 7, "height": 8}
    points = [[5, 6], [12, 6.5], [12, 14]]
    assert site.send("ada", kind="evidence", box=box, points=points).status_code == 201
    sides = {"other": second, "left": second, "choice": "left", "reasons": ["unsafe"]}
    assert site.send("ada", key="p", kind="preference", **sides).status_code == 201
    own = site.shown("ada")["own"]
    assert (own["evidence"]["box"], own["evidence"]["points"]) == (box, points)
    back = site.send("ada", key="e2", kind="evidence", box=None, points=None)
    assert back.status_code == 201
    now = site.shown("ada")["own"]["evidence"]
    assert (now["id"], now["box"], now["points"]) == (back.json()["id"], None, None)
    (pair,) = own["preferences"]
    assert {pair["completion"], pair["other"]} == {first, second}
    assert (pair["left"], pair["choice"], pair["reasons"]) == (second, "left", ["unsafe"])
    assert site.shown("ada", 1)["own"]["preferences"] == [pair]
    # seen from the other side it is the same pair
    sides = {"other": first, "left": first, "choice": "tie"}
    site.send("ada", key="q", completion=second, kind="preference", **sides)
    assert [each["choice"] for each in site.shown("ada")["own"]["preferences"]] == ["tie"]


@pytest.mark.parametrize(
    ("verdict", "absences", "events", "reward"),
    [
        ("correct", [], [], (1, 1, 1, 1, 1, 3)),
        ("incorrect", ["missing_knowledge"], [], (0.8, 0.6, 1, 0, 1, 1.8)),
        ("partly_correct", [], ["wrong_criterion", "contradiction"], (0.6, 1, 0.2, 0, 1, 1.6)),
        ("correct", [], ["not_in_region"], (1, 1, 1, 1, 1, 3)),  # recorded, not counted
        ("unsure", [], [], (1, 1, 1, None, 1, None)),
        (None, [], [], (1, 1, 1, None, 1, None)),
    ],
)
def test_the_reward_follows_from_verdict_and_labels(
    site: Site, verdict: str | None, absences: list[str], events: list[str], reward: Any
) -> None:
    if verdict:
        site.send("ada", verdict=verdict)
    steps = [{"step": 0, "events": events}]
    site.send("ada", key="l", kind="labels", absences=absences, steps=steps)
    told = site.shown("ada")["reward"]
    names = ("process", "integrity", "knowledge", "outcome", "format", "total")
    assert tuple(told[name] for name in names) == pytest.approx(reward)


def test_a_completion_without_reasoning_earns_nothing_for_it(site: Site) -> None:
    second = site.completions[1]
    kept = site.send("ada", completion=second, kind="labels", absences=[], steps=[])
    assert kept.json()["reward"]["process"] == 0
    assert kept.json()["reward"]["format"] == 0


def test_a_completion_outlives_its_slide(site: Site, tmp_path: Path) -> None:
    (tmp_path / "slides" / "a.tiff").unlink()
    site.library.rescan()
    assert site.send("ada").status_code == 201
    box = {"x": 5000, "y": 0, "width": 9, "height": 9}  # whether it is on it cannot be known
    assert site.send("ada", key="e", kind="evidence", box=box).status_code == 201


def test_every_event_can_be_said(site: Site) -> None:
    absences = [event for event in EVENTS if event.startswith("missing")]
    steps = [{"step": 0, "events": [event for event in EVENTS if event not in absences]}]
    kept = site.send("ada", kind="labels", absences=absences, steps=steps)
    assert kept.json()["reward"]["process"] == 0
