"""Feedback over HTTP: kept once, superseded, whose it is, and what cannot be said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from models.process_score import EVENTS
from models.training.judges import ClinicianJudge, ClinicianLabels, JudgedTrace, process_scores
from pathviewer.api.feedback_routes import feedback_routes, pseudonym
from pathviewer.api.responses import exception_handlers
from pathviewer.auth.identity import Identity
from pathviewer.auth.roles import Role
from pathviewer.slides.library import SlideLibrary
from storage.accounts import add_account
from storage.audit import list_entries
from storage.database import Database, open_database
from storage.readings import add_completion, add_reading, freeze_first_answer
from tests.database_trouble import FULL, READ_ONLY, database_trouble
from tests.library_app import asked_by, scanned, write_slide
from tests.storage.reading_rows import COMPLETION, new_reading, stored_reading, stored_slide

TEXT = (
    "<think>1. 🔬 Glands are crowded.\n2. Nuclei are dark.\n3. So it is tumour.</think>"
    "<answer>B</answer>"
)
STEPS = ("1. 🔬 Glands are crowded.", "2. Nuclei are dark.", "3. So it is tumour.")


@dataclass(frozen=True)
class Site:
    """The routes, and who asks."""

    database: Database
    """Of the test's own."""
    library: SlideLibrary
    """The slide that ada asked about."""
    app: Starlette
    """Without a guard."""
    people: dict[str, Identity]
    """Accounts by name."""
    completions: tuple[str, ...]
    """Two answers to a question of ada's, and one to another question."""

    def seen_by(self, name: str) -> TestClient:
        """A client of that person."""
        return TestClient(asked_by(self.app, self.people[name]))

    def send(self, name: str, **body: Any) -> Any:
        """What becomes of feedback on the first completion: a verdict if nothing else is said."""
        given = {"key": "k", "completion": self.completions[0], "kind": "verdict"} | body
        if given["kind"] == "verdict":
            given = {"verdict": "correct"} | given
        return self.seen_by(name).post("/api/feedback", json=given)

    def shown(self, name: str, index: int = 0) -> dict[str, Any]:
        """What that person sees of the feedback on a completion."""
        path = f"/api/completions/{self.completions[index]}/feedback"
        answer = self.seen_by(name).get(path)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


@contextmanager
def made_site(folder: Path) -> Iterator[Site]:
    """Ada asked; bob is a colleague of hers, rex a researcher, eve the administrator."""
    database = open_database(f"sqlite:///{folder / 'x.sqlite3'}")
    write_slide(folder / "slides" / "a.tiff")
    library = scanned(folder / "slides", database=database)
    (slide,) = library.slides()
    roles = {
        "ada": Role.clinician,
        "bob": Role.clinician,
        "rex": Role.researcher,
        "eve": Role.admin,
        "vic": Role.viewer,
    }
    with database.session() as session:
        ids = {name: add_account(session, name=name, role=role).id for name, role in roles.items()}
        stored_slide(session)
        asked = new_reading(slide.id, account_id=ids["ada"])
        reading = add_reading(session, asked).id
        other = add_reading(session, replace(asked, prompt="Where is it?")).id
        texts = ((reading, 0, TEXT), (reading, 1, "<answer>A</answer>"), (other, 0, TEXT))
        completions = tuple(
            add_completion(session, of, replace(COMPLETION, index=index, text=text)).id
            for of, index, text in texts
        )
    app = Starlette(
        routes=feedback_routes(library, database), exception_handlers=exception_handlers()
    )
    people = {name: Identity(ids[name], name, role) for name, role in roles.items()}
    yield Site(database, library, app, people, completions)
    database.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site of the test's own."""
    with made_site(tmp_path) as site:
        yield site


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site at which nothing is said."""
    with made_site(tmp_path_factory.mktemp("quiet")) as site:
        yield site


def test_a_verdict_is_kept_superseded_and_found_again(site: Site) -> None:
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
    with site.database.reading() as session:
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


def test_nobody_sees_anothers_before_his_own_judgment(site: Site) -> None:
    site.send("ada", verdict="incorrect", comment="Ada's reason")
    site.send("ada", key="l", kind="labels", absences=["missing_knowledge"], steps=[])
    for name in ("rex", "eve"):
        told = site.shown(name)
        assert (told["others"], told["others_withheld"]) == (None, True)
        assert told["history"] == []
        assert "Ada's reason" not in str(told)
        assert set(told["reward"].values()) == {None, 1.0}  # only the form is known
    # one of the two alone does not open the door, nor does a judgment of another answer
    site.send("rex", key="l", kind="labels", absences=[], steps=[])
    site.send("rex", key="m", completion=site.completions[1])
    assert site.shown("rex")["others"] is None
    site.send("rex", key="n")
    (other,) = site.shown("rex")["others"]
    assert other["rater"] == "Rater A"
    assert (other["verdict"]["verdict"], other["verdict"]["comment"]) == (
        "incorrect",
        "Ada's reason",
    )
    assert other["labels"]["absences"] == ["missing_knowledge"]
    assert site.people["ada"].account_id not in str(other)
    site.send("eve")
    assert site.shown("eve")["others"] is None
    site.send("eve", key="l", kind="labels", absences=[], steps=[])
    assert [rater["rater"] for rater in site.shown("eve")["others"]] == ["Rater A", "Rater B"]
    # a change of mind does not change the pseudonym
    site.send("ada", key="k9", verdict="unsure")
    first = site.shown("eve")["others"][0]
    assert (first["rater"], first["verdict"]["verdict"]) == ("Rater A", "unsure")


def test_only_who_may_see_the_reading_may_judge_it(site: Site) -> None:
    path = f"/api/completions/{site.completions[0]}/feedback"
    for answer in (site.send("bob"), site.seen_by("bob").get(path)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "reading_not_found")
    for answer in (site.send("vic"), site.seen_by("vic").get(path)):
        assert answer.status_code == 403
    assert site.send("rex").status_code == 201
    for unknown in ("nothing", "%00", "x" * 300):
        answer = site.seen_by("ada").get(f"/api/completions/{unknown}/feedback")
        assert answer.status_code == 404, unknown


def test_a_blind_reading_is_judged_after_the_first_answer(site: Site) -> None:
    with site.database.session() as session:
        ada = site.people["ada"].account_id
        reading = stored_reading(session, account_id=ada, blind=True).id
        blind = add_completion(session, reading, COMPLETION).id
    path = f"/api/completions/{blind}/feedback"
    for name in ("ada", "eve"):
        assert site.send(name, completion=blind).status_code == 409
        assert site.seen_by(name).get(path).status_code == 409
    with site.database.session() as session:
        freeze_first_answer(session, reading, "benign", None)
    assert site.send("ada", completion=blind).status_code == 201
    assert site.seen_by("ada").get(path).status_code == 200


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
    sides = {"other": second, "left": second, "choice": "left", "reasons": ["clearer"]}
    assert site.send("ada", key="p", kind="preference", **sides).status_code == 201
    own = site.shown("ada")["own"]
    assert (own["evidence"]["box"], own["evidence"]["points"]) == (box, points)
    back = site.send("ada", key="e2", kind="evidence", box=None, points=None)
    assert back.status_code == 201
    now = site.shown("ada")["own"]["evidence"]
    assert (now["id"], now["box"], now["points"]) == (back.json()["id"], None, None)
    (pair,) = own["preferences"]
    assert {pair["completion"], pair["other"]} == {first, second}
    assert (pair["left"], pair["choice"], pair["reasons"]) == (second, "left", ["clearer"])
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
def test_the_reward_so_far_is_that_of_training(
    site: Site, verdict: str | None, absences: list[str], events: list[str], reward: Any
) -> None:
    if verdict:
        site.send("ada", verdict=verdict)
    steps = [{"step": 0, "events": events}]
    site.send("ada", key="l", kind="labels", absences=absences, steps=steps)
    told = site.shown("ada")["reward"]
    names = ("process", "integrity", "knowledge", "outcome", "format", "total")
    assert tuple(told[name] for name in names) == pytest.approx(reward)
    judge = ClinicianJudge(
        {"c": ClinicianLabels(frozenset(absences), (frozenset(events),), submitted=True)}
    )
    trace = JudgedTrace(TEXT, "q", (), "", "", None, (), id="c")
    assert process_scores(judge, [trace]) == [told["process"]]


def test_a_completion_without_reasoning_earns_nothing_for_it(site: Site) -> None:
    second = site.completions[1]
    kept = site.send("ada", completion=second, kind="labels", absences=[], steps=[])
    assert kept.json()["reward"]["process"] == 0
    assert kept.json()["reward"]["format"] == 0


LONG = "x" * 4001
BOX = {"x": 0, "y": 0, "width": 1, "height": 1}
ODD: list[tuple[dict[str, Any], str]] = [
    ({"kind": "opinion"}, "kind is one of verdict"),
    ({"kind": ["verdict"]}, "kind is one of"),  # unhashable
    ({"key": ""}, "key is a text of 1 to 64"),
    ({"key": "x" * 65}, "key is a text of 1 to 64"),
    ({"key": 7}, "key is a text"),
    ({"key": "a\0b"}, "key is a text"),  # PostgreSQL takes no NUL
    ({"completion": None}, "completion is a text"),
    ({"verdict": "fine"}, "verdict is one of correct"),
    ({"verdict": None}, "verdict is one of"),
    ({"confidence": 6}, "confidence is a whole number from 1 to 5"),
    ({"confidence": True}, "confidence is a whole number"),  # JSON's true counts as 1 in Python
    ({"comment": LONG}, "comment is a text of 1 to 4,000"),
    ({"comment": "\ud800"}, "comment is a text"),  # half a pair is none
    ({"comment": 5}, "comment is a text"),
    ({"corrected_answer": "x" * 1001}, "corrected_answer is a text"),
    ({"seconds": -1}, "seconds is a number from 0"),
    ({"seconds": float("nan")}, "seconds is a number"),
    ({"seconds": float("inf")}, "seconds is a number"),
    ({"seconds": "1"}, "seconds is a number"),
    ({"overlay_seen": "yes"}, "true or false"),
    ({"steps": []}, "has no 'steps'"),  # what belongs to labels would be lost
    ({"confidance": 3}, "has no 'confidance'"),
    ({"kind": "labels"}, "absences is a list|steps is a list"),
    ({"kind": "labels", "absences": [], "steps": None}, "steps is a list"),
    ({"kind": "labels", "absences": ["contradiction"], "steps": []}, "absences are of"),
    ({"kind": "labels", "absences": [[]], "steps": []}, "absences are of"),
    ({"steps": [{"step": 0, "events": ["missing_knowledge"]}]}, "events are of"),
    ({"steps": [{"step": 3, "events": []}]}, "whole number from 0 to 2"),
    ({"steps": [{"step": -1, "events": []}]}, "whole number from 0 to 2"),
    ({"steps": [{"step": 1.0, "events": []}]}, "whole number"),
    ({"steps": [{"step": 0, "events": []}] * 2}, "Step 1 is named twice"),
    ({"steps": ["0"]}, "label of a step is an object"),
    ({"steps": [{"step": 0}]}, "events is a list"),
    ({"steps": [{"step": 0, "events": [], "quote": "absent"}]}, "do not stand in step 1"),
    ({"steps": [{"step": 0, "events": [], "quote": 5}]}, "do not stand in step 1"),
    ({"steps": [{"step": 0, "events": [], "start": 0, "stop": 9999}]}, "do not stand there"),
    ({"steps": [{"step": 0, "events": [], "start": 9, "stop": 9}]}, "do not stand there"),
    ({"steps": [{"step": 0, "events": [], "start": 11, "stop": 12}]}, "do not stand there"),
    ({"steps": [{"step": 0, "events": [], "start": 3}]}, "stop is a whole number"),
    ({"steps": [{"step": 0, "events": [], "step_class": "Idle"}]}, "step_class is one of"),
    ({"steps": [{"step": 0, "events": [], "note": "x"}]}, "has no 'note'"),
    ({"edited_steps": [{"step": 0, "text": LONG}]}, "text is a text of 1 to 4,000"),
    ({"edited_steps": [{"step": 0, "text": "<think>"}]}, "has no <think> or <answer> tags"),
    ({"edited_steps": [{"step": 0, "text": " "}]}, "text is a text"),
    ({"edited_steps": [{"step": 9, "text": None}]}, "whole number from 0 to 2"),
    ({"edited_steps": [{"step": n, "text": None} for n in range(3)]}, "at least one step"),
    ({"edited_steps": [{"step": 0, "text": "a"}] * 2}, "Step 1 is named twice"),
    ({"kind": "evidence"}, "box of an evidence region is an object"),
    ({"kind": "evidence", "box": None, "points": [[0, 0], [9, 0], [0, 9]]}, "box of an evidence"),
    ({"kind": "evidence", "box": {**BOX, "width": 0}}, "width is a whole number from 1"),
    ({"kind": "evidence", "box": {**BOX, "x": -1}}, "x is a whole number from 0"),
    ({"kind": "evidence", "box": {**BOX, "x": 64}}, "x is a whole number from 0 to 63"),
    ({"kind": "evidence", "box": {**BOX, "y": 40, "height": 9}}, "height is .* from 1 to 8"),
    ({"kind": "evidence", "box": BOX, "points": [[0, 0], [99, 0], [0, 9]]}, "outside the slide"),
    ({"kind": "evidence", "box": {**BOX, "y": 0.5}}, "y is a whole number"),
    ({"kind": "evidence", "box": BOX, "points": [[1]]}, "Point 0 is not a pair"),
    ({"kind": "preference", "choice": "left", "left": "{0}"}, "other is a text"),
    ({"other": "{0}", "left": "{0}", "choice": "left"}, "not with itself"),
    ({"other": "{1}", "left": "{2}", "choice": "left"}, "stood on the left"),
    ({"other": "{1}", "left": "{0}", "choice": "middle"}, "choice is one of left"),
    ({"other": "{1}", "left": "{0}", "choice": "tie", "reasons": ["x"] * 21}, "too many"),
    ({"other": "{1}", "left": "{0}", "choice": "tie", "reasons": ["x" * 201]}, "reason is a text"),
    ({"other": "{2}", "left": "{0}", "choice": "tie"}, "same question about the same region"),
]


def whole_body(site: Site, given: dict[str, Any]) -> dict[str, Any]:
    """The request of a row of the table: its kind follows from its fields."""
    if "steps" in given and "kind" not in given and given["steps"]:
        given = {"kind": "labels", "absences": []} | given
    if "edited_steps" in given:
        given = {"kind": "edited_trace"} | given
    if "other" in given:
        given = {"kind": "preference"} | given
    return {
        name: value.format(*site.completions) if isinstance(value, str) and "{" in value else value
        for name, value in given.items()
    }


@pytest.mark.parametrize(("given", "sentence"), ODD)
def test_what_cannot_be_said_is_refused_in_a_sentence(
    quiet: Site, given: dict[str, Any], sentence: str
) -> None:
    body = {"key": "k", "completion": quiet.completions[0], "kind": "verdict"}
    body |= whole_body(quiet, given)
    if body["kind"] == "verdict":
        body = {"verdict": "correct"} | body
    answer = quiet.seen_by("ada").post("/api/feedback", content=json.dumps(body))
    assert answer.status_code == 400, answer.text
    assert re.search(sentence, answer.json()["error"]["message"]), answer.text
    assert quiet.shown("ada")["history"] == []


def test_a_completion_that_is_not_there_is_404(site: Site) -> None:
    assert site.send("ada", completion="nowhere").status_code == 404
    sides = {"other": "nowhere", "left": "nowhere", "choice": "tie"}
    assert site.send("ada", kind="preference", **sides).status_code == 404


@pytest.mark.parametrize(
    ("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA")]
)
def test_pseudonyms_go_on_after_z(number: int, name: str) -> None:
    assert pseudonym(number) == f"Rater {name}"


@pytest.mark.parametrize(
    ("pragmas", "sentence"), [(READ_ONLY, "may not be written to"), (FULL, "is full")]
)
def test_what_could_not_be_saved_is_said_and_saved_the_next_time(
    tmp_path: Path, pragmas: tuple[str, str], sentence: str
) -> None:
    steps = [{"step": 0, "text": "Crowded. " * 400}, {"step": 1, "text": "Dark. " * 600}]
    with database_trouble() as trouble, made_site(tmp_path) as site:
        trouble.pragma = pragmas[0]
        for number in range(12):  # more than what is left of the last pages
            refused = site.send("ada", key=f"k{number}", kind="edited_trace", edited_steps=steps)
            if refused.status_code == 503:
                break
        assert refused.status_code == 503
        assert sentence in refused.json()["error"]["message"]
        before = len(site.shown("ada")["history"])
        trouble.pragma = pragmas[1]
        again = site.send("ada", key=f"k{number}", kind="edited_trace", edited_steps=steps)
        assert again.status_code == 201
        assert len(site.shown("ada")["history"]) == before + 1


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
