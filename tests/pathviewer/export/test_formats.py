"""The rows of each format, and that they are what was judged."""

from __future__ import annotations

from typing import Any

import pytest

from pathviewer.export.consensus import Rule
from pathviewer.export.errors import ExportError
from pathviewer.export.formats import rater_name
from tests.pathviewer.export.made_labels import (
    EDITED,
    OPTIONS,
    RIGHT,
    WRONG,
    Labels,
    Loads,
    rows,
    text_of,
)

TRIMMED = "<think>Nuclei are few.</think><answer>A</answer>"


def test_pairs(labels: Labels, load: Loads) -> None:
    with labels.database.session() as session:
        a, b = labels.reading(session, "s", 1, RIGHT, WRONG)
        labels.prefer(session, "ada", b, a, "right")
        labels.prefer(session, "bob", a, b, "left")
        labels.prefer(session, "cy", a, b, "right")
        labels.prefer(session, "dan", a, b, "tie")
        labels.prefer(session, "eve", a, b, "both_bad")
        labels.say(session, "ada", b, "edited_trace", edited_steps=[], edited_text=EDITED)
    found = rows(load(labels, "preference"))
    told = {
        (text_of(row["chosen"]), text_of(row["rejected"]), row["source"], row["raters"][0])
        for row in found
    }
    name = {who: rater_name(account) for who, account in labels.people.items()}
    assert told == {
        (RIGHT, WRONG, "preference", name["ada"]),
        (RIGHT, WRONG, "preference", name["bob"]),
        (WRONG, RIGHT, "preference", name["cy"]),
        (EDITED, WRONG, "edited_trace", name["ada"]),
    }
    assert {row["voters"] for row in found if row["source"] == "preference"} == {5}
    row = found[0]
    assert [part["type"] for part in row["prompt"][0]["content"]] == ["image", "text"]
    assert row["images"][0].size == (84, 84)
    assert row["images"][0].getpixel((0, 0)) == (1, 90, 160)
    assert (row["question_type"], row["options"], row["mpp"]) == ("cellularity", [*OPTIONS], 0.5)
    assert (row["mpp_source"], row["slide_mpp_x"], row["slide_mpp_y"]) == ("entered", 0.25, 0.5)
    assert (row["x"], row["y"], row["width"], row["height"]) == (10, 20, 168, 168)
    agreed = rows(load(labels, "preference", rule=Rule("at-least", 2)))
    assert [(text_of(row["chosen"]), sorted(row["raters"])) for row in agreed] == [
        (RIGHT, sorted([name["ada"], name["bob"]]))
    ]
    with pytest.raises(ExportError, match="choose another format or rule"):
        load(labels, "preference", rule=Rule("at-least", 3))


def test_single_completions(labels: Labels, load: Loads) -> None:
    with labels.database.session() as session:
        said = ("correct", "incorrect", "partly_correct", "unsure", "not_assessable")
        for number, verdict in enumerate((*said, "unsuitable_question")):
            (one,) = labels.reading(session, "s", number, f"{RIGHT}{number}")
            labels.verdict(session, "ada", one, verdict)
    found = rows(load(labels, "unpaired"))
    assert {text_of(row["completion"])[-1]: row["label"] for row in found} == {
        "0": True,
        "1": False,
    }


def test_a_change_of_mind_counts_as_it_is_now(labels: Labels, load: Loads) -> None:
    with labels.database.session() as session:
        (one,) = labels.reading(session, "s", 1, RIGHT)
        labels.verdict(session, "ada", one, "incorrect")
        labels.verdict(session, "ada", one, "correct")
    assert rows(load(labels, "unpaired"))["label"] == [True]


def test_steps(labels: Labels, load: Loads) -> None:
    with labels.database.session() as session:
        one, bare = labels.reading(session, "s", 1, WRONG, "<answer>A</answer>")
        steps = [
            {"step": 0, "events": ["contradiction", "not_in_region"], "quote": "few"},
            {"step": 1, "events": [], "step_class": "Reasoning"},
        ]
        labels.say(session, "ada", one, "labels", absences=["missing_knowledge"], steps=steps)
        labels.say(session, "bob", one, "labels", absences=[], steps=[])
        odd = [{"step": 7, "events": ["contradiction"]}]
        labels.say(session, "cy", one, "labels", absences=[], steps=odd)
        labels.say(session, "cy", bare, "labels", absences=[], steps=[])
    found = {row["raters"][0]: row for row in rows(load(labels, "stepwise"))}
    assert len(found) == 2
    row = found[rater_name(labels.people["ada"])]
    assert row["completions"] == ["Nuclei are few.", "There is much space."]
    assert row["labels"] == [False, True]
    assert row["events"] == [["contradiction", "not_in_region"], []]
    assert row["absences"] == ["missing_knowledge"]
    assert (row["integrity"], row["knowledge"], row["process_reward"]) == (0.6, 0.6, 0.6)
    assert row["answer"] == "A"
    assert found[rater_name(labels.people["bob"])]["labels"] == [True, True]


@pytest.mark.parametrize(
    ("told", "text", "reason"),
    [
        ({"verdict": "correct"}, RIGHT, "confirmed"),
        ({"verdict": "correct", "absences": ["missing_knowledge"]}, None, "reasoning is faulted"),
        ({"verdict": "correct", "step": "contradiction"}, None, "reasoning is faulted"),
        ({"verdict": "correct", "step": None}, RIGHT, "labelled, and nothing wrong"),
        ({"verdict": "incorrect"}, None, "not confirmed"),
        ({"verdict": "incorrect", "edited": TRIMMED}, TRIMMED, "the answer was corrected too"),
        ({"verdict": "incorrect", "edited": EDITED}, None, "the wrong answer is still there"),
        ({"verdict": "correct", "edited": EDITED}, EDITED, "the correction is learnt"),
        ({"edited": EDITED}, EDITED, "no verdict is needed"),
        ({"edited": "no tags"}, None, "not well formed"),
        ({"verdict": "correct", "edited": RIGHT}, RIGHT, "the correction was taken back"),
        ({"edited": RIGHT}, None, "taken back, and never confirmed"),
        ({"step": None}, None, "labels confirm nothing"),
    ],
)
def test_traces(
    labels: Labels, load: Loads, told: dict[str, Any], text: str | None, reason: str
) -> None:
    with labels.database.session() as session:
        one, other = labels.reading(session, "s", 1, RIGHT, WRONG)
        labels.verdict(session, "ada", other, "unsure")
        if "verdict" in told:
            labels.verdict(session, "ada", one, told["verdict"])
        if "absences" in told or "step" in told:
            events = [told["step"]] if told.get("step") else []
            steps = [{"step": 0, "events": events}]
            absences = told.get("absences", [])
            labels.say(session, "ada", one, "labels", absences=absences, steps=steps)
        if "edited" in told:
            edited = {"edited_steps": [], "edited_text": told["edited"]}
            labels.say(session, "ada", one, "edited_trace", **edited)
    if text is None:
        with pytest.raises(ExportError, match="The format sft has no row"):
            load(labels, "sft")
        return
    (row,) = rows(load(labels, "sft"))
    assert text_of(row["completion"]) == text, reason
    assert row["source"] == ("confirmed" if text == RIGHT else "edited_trace")


@pytest.mark.parametrize(
    ("verdicts", "reference", "answer", "source"),
    [
        ({RIGHT: ("correct", None)}, None, "high", "raters"),
        ({WRONG: ("incorrect", "B")}, None, "moderate", "raters"),
        ({RIGHT: ("correct", None), WRONG: ("incorrect", "high")}, None, "high", "raters"),
        # whoever names two right answers names none, nor one that was not offered
        ({RIGHT: ("correct", None), WRONG: ("incorrect", "low")}, None, None, None),
        ({WRONG: ("incorrect", "very low")}, None, None, None),
        ({WRONG: ("incorrect", None)}, None, None, None),
        ({WRONG: ("incorrect", None)}, "Moderate", "moderate", "consensus"),
        ({WRONG: ("incorrect", None)}, "adenocarcinoma", None, None),
        ({RIGHT: ("correct", None)}, "moderate", "high", "raters"),
    ],
)
def test_answers(
    labels: Labels,
    load: Loads,
    verdicts: dict[str, tuple[str, str | None]],
    reference: str | None,
    answer: str | None,
    source: str | None,
) -> None:
    with labels.database.session() as session:
        ids = dict(zip((RIGHT, WRONG), labels.reading(session, "s", 1, RIGHT, WRONG), strict=True))
        if reference:
            told = {"reference_answer": reference, "reference_source": "consensus"}
            labels.case(session, "s", "S-1", **told)
        for text, (verdict, corrected) in verdicts.items():
            labels.verdict(session, "ada", ids[text], verdict, corrected_answer=corrected)
    if answer is None:
        with pytest.raises(ExportError, match="The format grpo has no row"):
            load(labels, "grpo")
        return
    (row,) = rows(load(labels, "grpo"))
    assert (row["answer"], row["answer_source"]) == (answer, source)
