"""`evaluate` as a person runs it, with a script in the model's place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from pathviewer.commands.evaluate import evaluate_command
from tests.conftest import ROOT
from tests.models.evaluation.files import lung_folder, picture, write_lines

app = typer.Typer()
app.command()(evaluate_command)

SCRIPT = """
[[answer]]
asked = "gland"
texts = ["<think>1. Looked. 2. Saw glands.</think><answer>{glands}</answer>"]

[[answer]]
texts = ["<think>Looked.</think><answer>{other}</answer>"]
"""


def script(folder: Path, name: str, glands: str, other: str = "benign") -> str:
    """A model that gives one answer about glands and another to everything else."""
    path = folder / f"{name}.toml"
    path.write_text(SCRIPT.format(glands=glands, other=other))
    return f"scripted:{path}"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def figures(*arguments: object) -> dict[str, Any]:
    """The one JSON object on stdout."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def gland_questions(folder: Path) -> Path:
    """Six questions with options in three groups; "yes" is right for four of them."""
    records = []
    for number in range(6):
        picture(folder / f"{number}.png")
        records.append(
            {
                "image": f"{number}.png",
                "question": f"Are there glands in picture {number}?",
                "options": ["yes", "no"],
                "answer": "A" if number < 4 else "B",
                "group_id": f"g{number // 2}",
                "question_type": "glands",
                "facts": {"glands": number},
            }
        )
    return write_lines(folder / "questions.jsonl", records)


def test_the_keys_that_others_rely_on(tmp_path: Path) -> None:
    folder = lung_folder(tmp_path / "data")
    model = script(tmp_path, "benign", "", "benign")
    found = figures("--model", model, "--data", folder)
    wanted = {
        "accuracy", "accuracy_low", "accuracy_high", "format_rate", "process_score", "n",
        "per_class", "per_question_type",
    }  # fmt: skip
    assert wanted <= set(found)
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert found["accuracy_low"] < 1 / 3 < found["accuracy_high"]
    assert found["process_score"] is None
    assert found["confusion"]["adenocarcinoma"] == {"benign": 4}
    assert (found["n"], found["groups"], found["format_rate"]) == (12, 6, 1.0)
    assert found["run"]["model"] == "scripted:benign"
    assert set(found["per_question_type"]) == {"diagnosis"}
    # three labels and two ways to decline; one letter happens to be right 5 times, each label is 4
    assert (found["chance"], found["constant"]) == (pytest.approx(1 / 5), pytest.approx(5 / 12))
    assert (
        "guessing 20.0 %, always the same 41.7 %" in run("--model", model, "--data", folder).stdout
    )


def test_one_split_and_unknown_labels(tmp_path: Path) -> None:
    folder = lung_folder(tmp_path / "data")
    model = script(tmp_path, "benign", "", "benign")
    known = ["--known", "benign", "--known", "adenocarcinoma"]
    found = figures("--model", model, "--data", folder, "--split", "test", *known)
    assert found["n"] == 4
    assert found["unknown"]["labels"] == {"squamous cell carcinoma": 2}
    assert found["unknown"]["confidently_wrong_rate"] == 1.0


def test_questions_and_controls(tmp_path: Path) -> None:
    path = gland_questions(tmp_path / "set")
    model = script(tmp_path, "letter", "A")
    controls = ["--permute-options", "--free-form", "--colour", "none", "--limit", 5]
    controls += ["--other-image", "--other-colours"]
    found = figures("--model", model, "--questions", path, *controls)
    assert found["n"] == 5
    for key in ("other_image", "other_colours"):
        assert (found[key]["n"], found[key]["changed"], found[key]["left_out"]) == (5, 0.0, 0)
    assert found["permuted"]["changed"] == 1.0  # the letter stays, the option moves
    assert found["free_form"]["accuracy"] == 0.0
    assert found["run"]["colour"] == "none"
    assert found["chance"] == 0.5


def test_questions_that_another_order_would_change_are_counted(tmp_path: Path) -> None:
    options = ["glands", "mucin", "Both A and B"]
    records = [
        {"image": "0.png", "question": "What?", "options": options[: 3 - number], "answer": "A"}
        for number in range(2)
    ]
    picture(tmp_path / "0.png")
    path = write_lines(tmp_path / "questions.jsonl", records)
    arguments = ["--model", script(tmp_path, "a", "A", "A"), "--questions", path]
    found = figures(*arguments, "--permute-options")["permuted"]
    assert (found["n"], found["left_out"], found["failed"], found["changed"]) == (1, 1, 0, 1.0)
    assert "of answers change; 1 left out" in run(*arguments, "--permute-options").stdout


def test_two_models_side_by_side(tmp_path: Path) -> None:
    path = gland_questions(tmp_path / "set")
    yes, no = script(tmp_path, "says-yes", "yes"), script(tmp_path, "says-no", "no")
    out = tmp_path / "out"
    found = figures("--model", yes, "--compare", no, "--questions", path, "--out", out)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["compared"]["accuracy"] == pytest.approx(2 / 6)
    assert found["difference"] == pytest.approx(2 / 6)
    assert found["difference_low"] < found["difference"] < found["difference_high"]
    assert 0 < found["p"] <= 1
    assert sorted(file.name for file in out.iterdir()) == [
        "answers-compared.jsonl",
        "answers.jsonl",
    ]
    assert figures("--model", yes, "--compare", no, "--questions", path, "--out", out) == found


def test_a_table_for_people(tmp_path: Path) -> None:
    folder = lung_folder(tmp_path / "data")
    model = script(tmp_path, "benign", "", "benign")
    (folder / "benign" / "1-0.png").unlink()
    other = script(tmp_path, "other", "", "squamous cell carcinoma")
    result = run("--model", model, "--compare", other, "--data", folder)
    assert result.exit_code == 0, result.output
    assert "scripted:benign" in result.stdout
    assert "first minus second" in result.stdout
    assert "right class (down)" in result.stdout
    assert "1 skipped" in result.stdout
    assert "Skipped. benign/1-0.png" in result.stderr


def test_a_difference_that_never_varies_is_shown_without_bounds(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "questions.jsonl",
        [{"image": "0.png", "question": "Glands?", "options": ["yes", "no"], "answer": "yes"}],
    )
    picture(tmp_path / "0.png")
    yes, no = script(tmp_path, "says-yes", "yes", "yes"), script(tmp_path, "says-no", "no", "no")
    arguments = ["--model", yes, "--compare", no, "--questions", path]
    found = figures(*arguments)
    assert (found["difference"], found["difference_low"], found["difference_high"]) == (
        1,
        None,
        None,
    )
    assert "+100.0 [-, -]" in run(*arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "scripted"], "--data"),
        (["--model", "scripted", "--data", "."], "manifest.csv"),
        (["--model", "nobody", "--data", "DATA"], "nobody"),
        (["--model", "scripted", "--data", "DATA", "--split", "none"], "'none'"),
        (["--model", "scripted", "--questions", "no.jsonl"], "no.jsonl"),
        (["--model", "scripted", "--questions", "no.jsonl", "--fields", "x"], "pathmmu"),
        (["--model", "scripted", "--data", "DATA", "--temperature", "9"], "temperature"),
        (["--model", "scripted", "--data", "DATA", "--max-pixels", "0"], "pixel budget"),
    ],
)
def test_what_cannot_be_measured_ends_in_a_sentence(
    tmp_path: Path, arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lung_folder(tmp_path / "DATA")
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert isinstance(result.exception, SystemExit)
    assert words in str(result.exception.code)
    assert str(result.exception.code).count("\n") == 0


def test_measuring_a_script_needs_no_model_library(tmp_path: Path) -> None:
    folder = lung_folder(tmp_path / "data", groups=3, per_group=1)
    model = script(tmp_path, "benign", "", "benign")
    code = (
        "import sys, typer\n"
        "from pathviewer.commands.evaluate import evaluate_command\n"
        "app = typer.Typer()\n"
        "app.command()(evaluate_command)\n"
        f"app({['--model', model, '--data', str(folder), '--json']!r}, standalone_mode=False)\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n"] == 3
