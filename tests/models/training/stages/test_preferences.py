"""Exports go into TRL's trainers as they are, and what people judged moves the embedded model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from pydantic import ValidationError

from models.errors import CheckpointError
from models.registry import resolve_model
from models.training.data.licences import check_licences
from models.training.data.tiles import DataError
from models.training.stages.grpo import GrpoConfig, train_grpo
from models.training.stages.preferences import PreferencesConfig, train_preferences
from models.training.stages.sft_trl import SftConfig, train_sft
from models.training.trainer.run_folder import load_network, read_config
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from pathviewer.export.splits import Shares
from tests.long_cases import long_cases
from tests.models.training.killed_run import killed_run
from tests.pathviewer.export.made_labels import fill, new_labels

ROOT = Path(__file__).resolve().parents[4]
EMBEDDED = ROOT / "models" / "checkpoints" / "pathviewer-r1-tiny"


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an export of each format; not to be changed."""
    folder = tmp_path_factory.mktemp("exports")
    labels = new_labels(folder / "state")
    fill(labels, slides=4)
    for name, form in FORMATS.items():
        plan = ExportPlan(form, shares=Shares(1, 0, 0), comments=True)
        export(labels.database, labels.blobs, plan, folder / name)
    yield folder
    labels.database.close()


def figures(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def moved(start: Path, out: Path) -> set[str]:
    """Names of the weights that training changed."""
    before = dict(load_network(start).state_dict())
    after = load_network(out / "checkpoint").state_dict()
    return {name for name, value in after.items() if not value.equal(before[name])}


STEPS: dict[str, Any] = {"steps": 2, "learning_rate": 1e-5, "note_every": 1}


@pytest.mark.parametrize("name", ["preference", *long_cases("unpaired")])
def test_dpo_and_kto_take_an_export(tmp_path: Path, exports: Path, name: str) -> None:
    given = PreferencesConfig(dataset=exports / name, **STEPS)
    train_preferences(given, EMBEDDED, tmp_path / "run", resume=False)
    found = figures(tmp_path / "run")
    assert [line["step"] for line in found] == [1, 2]
    assert {"loss", "seconds"} <= set(found[-1])
    assert moved(EMBEDDED, tmp_path / "run")
    assert not any("visual" in each for each in moved(EMBEDDED, tmp_path / "run"))
    assert resolve_model(str(tmp_path / "run" / "checkpoint")).prompt_style == "pathvlm-r1"
    if name == "preference":  # KTO has no margin where a batch holds one kind of answer alone
        # the first step measures the network against itself
        assert found[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
        assert found[1]["margin"] > 0
        assert found[1]["chosen_first"] == 1


def test_sft_takes_an_export(tmp_path: Path, exports: Path) -> None:
    given = SftConfig(trainer="trl", dataset=exports / "sft", batch=2, **STEPS)
    train_sft(given, EMBEDDED, tmp_path / "run", resume=False)
    assert [line["step"] for line in figures(tmp_path / "run")] == [1, 2]
    assert moved(EMBEDDED, tmp_path / "run")


@pytest.mark.long
def test_grpo_takes_an_export(tmp_path: Path, exports: Path) -> None:
    given = GrpoConfig(
        dataset=exports / "grpo",
        questions=1,
        group=2,
        max_new_tokens=16,
        rewards={"accuracy": 1.0, "format": 0.5},
        **STEPS,
    )
    train_grpo(given, EMBEDDED, tmp_path / "run", resume=False)
    found = figures(tmp_path / "run")
    assert [line["step"] for line in found] == [1, 2]
    assert {"reward_accuracy", "reward_format"} <= set(found[-1])


@pytest.mark.parametrize("adapters", [None, *long_cases({"rank": 2, "alpha": 4})])
def test_what_people_judged_is_learnt(
    tmp_path: Path, exports: Path, mini_checkpoint: Path, adapters: dict[str, int] | None
) -> None:
    changes: dict[str, Any] = {"steps": 5, "note_every": 1, "lora": adapters}
    changes["learning_rate"] = 3e-2 if adapters else 1e-2
    given = PreferencesConfig(dataset=exports / "preference", **changes)
    train_preferences(given, mini_checkpoint, tmp_path / "run", resume=False)
    found = figures(tmp_path / "run")
    assert found[-1]["loss"] < 0.6 < found[0]["loss"]
    assert found[-1]["chosen_first"] == 1
    assert (tmp_path / "run" / "adapters").exists() == bool(adapters)


@pytest.mark.long
def test_a_killed_run_goes_on(tmp_path: Path, exports: Path, mini_checkpoint: Path) -> None:
    out, path = tmp_path / "run", tmp_path / "preferences.toml"
    path.write_text("steps = 5\nlearning_rate = 1e-3\nsave_every = 2\nnote_every = 1\n")
    data = ["--data", str(exports / "preference")]
    given = ["preferences", "--config", str(path), "--start", str(mini_checkpoint), *data]
    killed_run([*given, "--out", str(out)], (out / "checkpoint-2" / "whole").exists)
    config = read_config_with(path, exports / "preference")
    train_preferences(config, mini_checkpoint, out, resume=True)
    assert [line["step"] for line in figures(out)] == [1, 2, 3, 4, 5]
    with pytest.raises(CheckpointError, match="--resume continues it"):
        train_preferences(config, mini_checkpoint, out, resume=False)


def read_config_with(path: Path, dataset: Path) -> PreferencesConfig:
    path.write_text(f'{path.read_text()}dataset = "{dataset}"\n')
    return read_config(path, PreferencesConfig)


@pytest.mark.parametrize("name", ["stepwise", "sft", "grpo"])
def test_other_formats_are_refused(
    tmp_path: Path, exports: Path, mini_checkpoint: Path, name: str
) -> None:
    given = PreferencesConfig(dataset=exports / name, **STEPS)
    with pytest.raises(DataError, match="export it with --format preference"):
        train_preferences(given, mini_checkpoint, tmp_path / "run", resume=False)


def test_fewer_rows_than_a_batch_are_told(
    tmp_path: Path, exports: Path, mini_checkpoint: Path
) -> None:
    given = PreferencesConfig(dataset=exports / "preference", batch=100, **STEPS)
    with pytest.raises(DataError, match="fewer than the 100 of a batch"):
        train_preferences(given, mini_checkpoint, tmp_path / "run", resume=False)


def test_answers_of_a_model_that_forbids_it_are_not_learnt() -> None:
    open_, closed = "pathviewer-r1-tiny", "WenchuanZhang/Patho-R1-7B"
    check_licences(Dataset.from_dict({"model": [open_, "something else"]}))
    for column in ("model", "chosen_model", "rejected_model"):
        rows = Dataset.from_dict({"model": [open_, open_], column: [open_, closed]})
        with pytest.raises(CheckpointError, match="forbids training on its output"):
            check_licences(rows)
    flags = {"model": [open_, "mine", "mine"], "train_allowed": [True, None, False]}
    check_licences(Dataset.from_dict(flags).select([0, 1]))
    with pytest.raises(CheckpointError, match="1 rows with answers of “mine” may not"):
        check_licences(Dataset.from_dict(flags))


def test_fine_tuning_refuses_them_too(tmp_path: Path, exports: Path, mini_checkpoint: Path) -> None:
    rows = Dataset.from_parquet(str(exports / "sft" / "train.parquet"), cache_dir=str(tmp_path))
    closed = rows.remove_columns("train_allowed").add_column("train_allowed", [False] * len(rows))
    (tmp_path / "closed").mkdir()
    closed.to_parquet(str(tmp_path / "closed" / "train.parquet"))
    given = SftConfig(dataset=tmp_path / "closed", trainer="trl", **STEPS)
    with pytest.raises(CheckpointError, match="may not be trained on"):
        train_sft(given, mini_checkpoint, tmp_path / "run", resume=False)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": ("tiles",)}, "set it as dataset"),
        ({}, "either data or dataset is needed"),
        ({"dataset": "x", "batch": 1}, "batch"),
        ({"dataset": "x", "beta": 0}, "beta"),
        ({"dataset": "x", "betta": 1}, "betta"),
    ],
)
def test_a_config_that_is_not_right_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        PreferencesConfig(**(STEPS | changes))
