"""Feedback that cannot be kept: a sentence for each, and nothing half."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.database_trouble import FULL, READ_ONLY, database_trouble
from tests.pathviewer.api.feedback_site import Site, made_site


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site at which nothing is said."""
    with made_site(tmp_path_factory.mktemp("quiet")) as site:
        yield site


LONG = "x" * 4001
BOX = {"x": 0, "y": 0, "width": 1, "height": 1}
ODD: list[tuple[dict[str, Any], str]] = [
    ({"kind": "opinion"}, "kind must be one of .*verdict"),
    ({"kind": ["verdict"]}, "kind must be one of"),  # unhashable
    ({"key": ""}, "key must be a text of 1 to 64"),
    ({"key": "x" * 65}, "key must be a text of 1 to 64"),
    ({"key": 7}, "key must be a text"),
    ({"key": "a\0b"}, "text key holds a NUL"),  # PostgreSQL takes no NUL
    ({"completion": None}, "completion must be a text"),
    ({"verdict": "fine"}, "verdict must be one of correct"),
    ({"verdict": None}, "verdict must be one of"),
    ({"confidence": 6}, "confidence must be a whole number from 1 to 5"),
    (
        {"confidence": True},
        "confidence must be a whole number",
    ),  # JSON's true counts as 1 in Python
    ({"comment": LONG}, "comment must be a text of 1 to 4,000"),
    ({"comment": "\ud800"}, "text comment holds half of a surrogate pair"),
    ({"comment": 5}, "comment must be a text"),
    ({"corrected_answer": "x" * 1001}, "corrected_answer must be a text"),
    ({"seconds": -1}, "seconds must be a number from 0"),
    ({"seconds": float("nan")}, "NaN is not a JSON number"),
    ({"seconds": float("inf")}, "Infinity is not a JSON number"),
    ({"seconds": "1"}, "seconds must be a number"),
    ({"overlay_seen": "yes"}, "true or false"),
    ({"steps": []}, 'has no field "steps"'),  # what belongs to labels would be lost
    ({"confidance": 3}, 'has no field "confidance"'),  # codespell:ignore
    ({"kind": "labels"}, "absences is missing: it must be a list of"),
    ({"kind": "labels", "absences": [], "steps": None}, "steps must be a list of"),
    ({"kind": "labels", "absences": ["contradiction"], "steps": []}, "absences.0. must be one of"),
    ({"kind": "labels", "absences": [[]], "steps": []}, "absences.0. must be one of"),
    ({"steps": [{"step": 0, "events": ["missing_knowledge"]}]}, "events.0. must be one of"),
    ({"steps": [{"step": 3, "events": []}]}, "whole number from 0 to 2"),
    ({"steps": [{"step": -1, "events": []}]}, "step must be a whole number from 0"),
    ({"steps": [{"step": 1.0, "events": []}]}, "whole number"),
    ({"steps": [{"step": 0, "events": []}] * 2}, "Step 1 occurs twice"),
    ({"steps": ["0"]}, "steps.0. must be an object"),
    ({"steps": [{"step": 0}]}, "events is missing: it must be a list"),
    ({"steps": [{"step": 0, "events": [], "quote": "absent"}]}, "does not occur in step 1"),
    ({"steps": [{"step": 0, "events": [], "quote": 5}]}, "quote must be a text, not 5"),
    ({"steps": [{"step": 0, "events": [], "start": 0, "stop": 9999}]}, "is not at"),
    ({"steps": [{"step": 0, "events": [], "start": 9, "stop": 9}]}, "is not at"),
    ({"steps": [{"step": 0, "events": [], "start": 11, "stop": 12}]}, "is not at"),
    (
        {"steps": [{"step": 0, "events": [], "start": 3}]},
        "start and stop of a quote",
    ),
    ({"steps": [{"step": 0, "events": [], "step_class": "Idle"}]}, "step_class must be one of"),
    ({"steps": [{"step": 0, "events": [], "note": "x"}]}, 'has no field "note"'),
    ({"edited_steps": [{"step": 0, "text": LONG}]}, "text must be a text of 1 to 4,000"),
    ({"edited_steps": [{"step": 0, "text": "<think>"}]}, "cannot contain <think> or"),
    ({"edited_steps": [{"step": 0, "text": " "}]}, "text must be a text"),
    ({"edited_steps": [{"step": 1, "text": "a <|image_pad|>"}]}, "Step 2 holds “<.image_pad.>”"),
    ({"edited_steps": [{"step": 0, "text": "<THINK>"}]}, "Step 1 holds “<THINK>”"),
    ({"comment": "<|im_start|>system"}, "The comment holds “<.im_start.>”, which"),
    ({"corrected_answer": "B <image>"}, "The corrected answer holds “<image>”.* “< image >”"),
    ({"edited_steps": [{"step": 9, "text": None}]}, "whole number from 0 to 2"),
    ({"edited_steps": [{"step": n, "text": None} for n in range(3)]}, "at least one step"),
    ({"edited_steps": [{"step": 0, "text": "a"}] * 2}, "Step 1 occurs twice"),
    ({"kind": "evidence"}, "box is missing: it must be an object"),
    (
        {"kind": "evidence", "box": None, "points": [[0, 0], [9, 0], [0, 9]]},
        "points .* need its box",
    ),
    ({"kind": "evidence", "box": {**BOX, "width": 0}}, "width must be a whole number from 1"),
    ({"kind": "evidence", "box": {**BOX, "x": -1}}, "x must be a whole number from 0"),
    ({"kind": "evidence", "box": {**BOX, "x": 64}}, "from x = 64 to 65, but the slide ends at 64"),
    (
        {"kind": "evidence", "box": {**BOX, "y": 40, "height": 9}},
        "from y = 40 to 49",
    ),
    ({"kind": "evidence", "box": BOX, "points": [[0, 0], [99, 0], [0, 9]]}, "outside the slide"),
    ({"kind": "evidence", "box": {**BOX, "y": 0.5}}, "y must be a whole number"),
    ({"kind": "evidence", "box": BOX, "points": [[1]]}, "Point 0 is not a pair"),
    (
        {"kind": "preference", "choice": "left", "left": "{0}"},
        "other is missing",
    ),
    ({"other": "{0}", "left": "{0}", "choice": "left"}, "with itself"),
    ({"other": "{1}", "left": "{2}", "choice": "left"}, "one of the two completions"),
    ({"other": "{1}", "left": "{0}", "choice": "middle"}, "choice must be one of left"),
    (
        {"other": "{1}", "left": "{0}", "choice": "tie", "reasons": ["ugly"]},
        "reasons.0. must be one of wrong_finding",
    ),
    ({"other": "{1}", "left": "{0}", "choice": "tie", "reasons": "unsafe"}, "must be a list"),
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
