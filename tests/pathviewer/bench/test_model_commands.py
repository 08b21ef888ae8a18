"""`bench model`, `attention` and `training` from the command line: a table, or one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from models.training.specimen.random_init import write_fresh_checkpoint
from pathviewer.bench.model_commands import (
    ATTENTION_ROWS,
    MODEL_ROWS,
    TRAINING_ROWS,
    bench_attention,
    bench_model,
    bench_training,
    report,
)


@pytest.fixture(scope="module")
def bench() -> typer.Typer:
    app = typer.Typer()
    app.command("model")(bench_model)
    app.command("attention")(bench_attention)
    app.command("training")(bench_training)
    return app


@pytest.mark.long
def test_the_model_is_measured_through_its_worker(bench: typer.Typer, tmp_path: Path) -> None:
    checkpoint = write_fresh_checkpoint(tmp_path / "mini", size="mini")
    options = ["--model", str(checkpoint), "--side", "56", "--rounds", "1", "--no-start"]
    result = CliRunner().invoke(bench, ["model", *options, "--device", "cpu", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found) == set(MODEL_ROWS) - {"page_s", "ready_s"}
    assert 0 < found["first_token_s"] < found["answer_s"]
    assert found["tokens_per_s"] > 0
    assert 100 < found["rss_mib"] < 1200


def test_a_training_step_is_measured_in_both_numbers(bench: typer.Typer) -> None:
    result = CliRunner().invoke(bench, ["training", "--sequences", "1", "--rounds", "1", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found) == set(TRAINING_ROWS)
    slower = found["bfloat16_ratio"] if found["taken"] == "bfloat16" else 1.0
    assert found["taken_ratio"] == pytest.approx(slower / min(1.0, found["bfloat16_ratio"]))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["attention", "--size", "huge"], "no size 'huge'"),
        (["model", "--model", "no such model"], "no such model"),
        (["model", "--model", "scripted"], "no weights"),
    ],
)
def test_what_cannot_be_measured_is_a_sentence(
    bench: typer.Typer, arguments: list[str], says: str
) -> None:
    result = CliRunner().invoke(bench, arguments)
    assert result.exit_code == 1
    assert says in str(result.exception)


def test_every_figure_has_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    for rows in (MODEL_ROWS, ATTENTION_ROWS, TRAINING_ROWS):
        report(dict.fromkeys(rows, 0.1234567), rows, as_json=False)
        printed = capsys.readouterr().out.splitlines()
        assert [line.split("  ")[0].strip() for line in printed] == list(rows.values())
        assert all(line.endswith("0.1235") for line in printed)
