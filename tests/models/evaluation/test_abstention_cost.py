"""What offering to decline costs, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.evaluation.abstention_cost import abstention_cost
from models.evaluation.items import EvaluationError, ItemSet
from models.evaluation.question_sets import read_field_map, read_questions
from models.evaluation.seed_comparison import read_recorded_run
from pathviewer.commands.train import app
from tests.models.evaluation.files import kept_folder, picture

OFFERED = ["benign", "malign", "none of these"]


def question_file(path: Path, ids: list[str], options: list[str]) -> ItemSet:
    """Questions whose right answer is the first option, each of its own group."""
    image = picture(path.parent / "one.png").name
    told = {"image": image, "question": "What?", "answer": "benign", "options": options}
    path.write_text("\n".join(json.dumps(told | {"id": each, "group_id": each}) for each in ids))
    return read_questions(path, read_field_map("own"))


@pytest.fixture
def offered(tmp_path: Path) -> ItemSet:
    return question_file(tmp_path / "questions.jsonl", ["1", "2", "3", "4", "declining"], OFFERED)


@pytest.fixture
def plain(tmp_path: Path) -> ItemSet:
    return question_file(tmp_path / "plain.jsonl", [f"{n}-plain" for n in range(1, 5)], OFFERED[:2])


def test_the_same_questions_are_held_against_each_other(
    offered: ItemSet, plain: ItemSet, tmp_path: Path
) -> None:
    kept = read_recorded_run(kept_folder(offered, tmp_path / "a", 2))
    plain_kept = read_recorded_run(kept_folder(plain, tmp_path / "b", 3))
    found = abstention_cost(offered, kept, plain, plain_kept)
    assert (found["n"], found["offered"], found["plain"]) == (4, 0.5, 0.75)
    assert found["difference"] == 0.25
    assert found["difference_low"] <= 0.25 <= found["difference_high"]


def test_answers_to_other_questions_are_refused(
    offered: ItemSet, plain: ItemSet, tmp_path: Path
) -> None:
    kept = read_recorded_run(kept_folder(offered, tmp_path / "a", 2))
    with pytest.raises(EvaluationError, match="other questions"):
        abstention_cost(offered, kept, plain, kept)
    with pytest.raises(EvaluationError, match="No question is in both"):
        abstention_cost(offered, kept, offered, kept)


def test_the_command(offered: ItemSet, plain: ItemSet, tmp_path: Path) -> None:
    answers = kept_folder(offered, tmp_path / "a", 2), kept_folder(plain, tmp_path / "b", 3)
    asked = ["declining-cost", "--questions", str(tmp_path / "questions.jsonl")]
    asked += ["--plain", str(tmp_path / "plain.jsonl"), "--answers", str(answers[0])]
    asked += ["--plain-answers", str(answers[1])]
    assert json.loads(CliRunner().invoke(app, [*asked, "--json"]).output)["difference"] == 0.25
    told = CliRunner().invoke(app, asked).output
    assert "cost of offering" in told
    assert "+25.0" in told
