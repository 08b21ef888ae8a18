"""Runs over several seeds compared, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.evaluation.items import EvaluationError, EvaluationItem, ItemSet
from models.evaluation.question_sets import read_field_map, read_questions
from models.evaluation.seed_comparison import pooled_figures, read_recorded_run
from pathviewer.commands.train import app
from tests.models.evaluation.files import kept_folder, picture

GROUPS = 6


@pytest.fixture
def items(tmp_path: Path) -> ItemSet:
    lines = []
    for number in range(GROUPS):
        image = picture(tmp_path / f"{number}.png").name
        told = {"id": str(number), "image": image, "question": "What?", "answer": "benign"}
        lines.append(json.dumps(told | {"options": ["benign", "malign"], "group_id": str(number)}))
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(lines))
    return read_questions(path, read_field_map("own"))


def three_of(text: str, item: EvaluationItem) -> float | None:
    """A judge that abstains on the last question and likes right answers."""
    return None if item.id == str(GROUPS - 1) else float("A" in text)


def test_seeds_are_pooled_question_by_question(items: ItemSet, tmp_path: Path) -> None:
    better = [read_recorded_run(kept_folder(items, tmp_path / f"b{n}", n)) for n in (5, 6)]
    worse = [read_recorded_run(kept_folder(items, tmp_path / f"w{n}", n)) for n in (2, 3)]
    found = pooled_figures(items, better, worse, three_of)
    assert (found["n"], found["seeds"]) == (6, [2, 2])
    assert found["first"] == pytest.approx([5 / 6, 1.0])
    assert found["second"] == pytest.approx([2 / 6, 3 / 6])
    assert found["difference"] == pytest.approx(0.5)
    assert found["difference_low"] < 0.5 < found["difference_high"]
    assert found["by_seed"] == pytest.approx([0.5, 0.5])
    # four groups differ: all sums that are as large have one sign throughout
    assert found["p"] == pytest.approx(2 / 2**4)
    assert found["process_first"] == [1.0, 1.0]
    assert found["process_second"] == pytest.approx([2 / 5, 3 / 5])
    assert pooled_figures(items, better, worse)["process_difference"] is None


def test_only_answers_to_the_same_questions_are_compared(items: ItemSet, tmp_path: Path) -> None:
    plain = read_recorded_run(kept_folder(items, tmp_path / "plain", 3))
    grey = read_recorded_run(kept_folder(items, tmp_path / "grey", 3, colour="none"))
    with pytest.raises(EvaluationError, match="differ in colour"):
        pooled_figures(items, [plain], [grey])
    with pytest.raises(EvaluationError, match="other questions"):
        pooled_figures(ItemSet(items.items[:2]), [plain], [plain])
    short = kept_folder(items, tmp_path / "short", 3)
    kept = (short / "answers.jsonl").read_text().splitlines(keepends=True)
    (short / "answers.jsonl").write_text("".join(kept[:-2]))
    with pytest.raises(EvaluationError, match="2 answers are missing"):
        pooled_figures(items, [plain], [read_recorded_run(short)])


@pytest.mark.parametrize("text", ["", "no JSON\n", '{"run": {}}\n{"item": 1}\n', '{"ran": 1}\n'])
def test_a_file_that_holds_no_answers_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "answers.jsonl").write_text(text)
    with pytest.raises(EvaluationError, match="no complete answer file"):
        read_recorded_run(tmp_path)
    with pytest.raises(EvaluationError, match="cannot be read: No such file"):
        read_recorded_run(tmp_path / "nothing")


def test_the_command(items: ItemSet, tmp_path: Path) -> None:
    one, other = (
        kept_folder(items, tmp_path / name, right) for name, right in (("a", 6), ("b", 2))
    )
    asked = ["compare", "--questions", str(tmp_path / "questions.jsonl"), "--first", str(one)]
    done = CliRunner().invoke(app, [*asked, "--second", str(other), "--json"])
    assert json.loads(done.output)["difference"] == pytest.approx(4 / 6)
    limited = CliRunner().invoke(app, [*asked, "--second", str(other), "--limit", "2"])
    assert "other questions" in str(limited.exception)
    told = CliRunner().invoke(app, [*asked, "--second", str(other)]).output
    assert "first minus second" in told
    assert "+66.7" in told
