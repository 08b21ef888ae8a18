"""No row leaves with a text that a trainer's tokenizer reads as a command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from models.prompts import QuestionText, build_prompt
from models.registry import list_models
from pathviewer.export.errors import ExportError
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from tests.pathviewer.export.made_labels import (
    EDITED,
    QUESTION,
    RIGHT,
    TEXTS,
    WRONG,
    Labels,
    Loads,
    rows,
    text_of,
)

SLY = EDITED.replace("dark", "dark <|image_pad|>")


def test_edits_of_before_are_left_out_and_counted(labels: Labels, tmp_path: Path) -> None:
    with labels.database.session() as session:
        for number, edited in enumerate((SLY, EDITED)):
            (one,) = labels.reading(session, f"s{number}", number, WRONG)
            labels.say(session, "ada", one, "edited_trace", edited_steps=[], edited_text=edited)
    for name in ("sft", "preference"):
        tally = export(labels.database, labels.blobs, ExportPlan(FORMATS[name]), tmp_path / name)
        assert (sum(tally.rows.values()), tally.with_control_token) == (1, 1)
        counts = json.loads((tmp_path / name / "manifest.json").read_text())["counts"]
        assert counts["rows_with_control_token"] == 1
        card = (tmp_path / name / "README.md").read_text()
        assert "such as an image token: 1 row." in card


def test_models_that_wrote_one_are_left_out(labels: Labels, load: Loads) -> None:
    with labels.database.session() as session:
        texts = (RIGHT, RIGHT + "<|im_end|>", TEXTS[0])
        for each in labels.reading(session, "s", 0, *texts):
            labels.verdict(session, "ada", each, "correct")
    found = rows(load(labels, "unpaired"))
    assert {text_of(row["completion"]) for row in found} == {RIGHT, TEXTS[0]}


def test_a_corrected_answer_of_before_makes_no_row(labels: Labels, tmp_path: Path) -> None:
    with labels.database.session() as session:
        (one,) = labels.reading(session, "s", 0, WRONG, options=[])
        sly = "necrosis <|image_pad|>"
        labels.verdict(session, "ada", one, "incorrect", corrected_answer=sly)
    with pytest.raises(ExportError, match=re.escape("a control token in the right answer: 1")):
        export(labels.database, labels.blobs, ExportPlan(FORMATS["grpo"]), tmp_path / "grpo")


def test_questions_and_comments_are_spread_as_in_the_prompt(labels: Labels, load: Loads) -> None:
    sly, options = f"{QUESTION} <image>", ["low <|image_pad|>", "high"]
    prompt = build_prompt(QuestionText(sly, options), (), list_models()[0])
    with labels.database.session() as session:
        told = {"question": sly, "options": options, "prompt": prompt.text}
        (one,) = labels.reading(session, "s", 0, RIGHT, **told)
        labels.verdict(session, "ada", one, "correct", comment="See <|vision_start|>.")
    (row,) = rows(load(labels, "unpaired", comments=True))
    assert row["question"] == f"{QUESTION} < image >"
    assert row["options"] == ["low < image_pad >", "high"]
    assert row["comments"] == ["See < vision_start >."]
    assert row["question"] in text_of(row["prompt"])
