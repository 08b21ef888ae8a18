from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset, load_dataset
from peft import PeftModel
from pydantic import ValidationError

from models.errors import CheckpointError
from models.judges.base import JudgeInput, JudgeVerdict
from models.messages import PixelBudget
from models.processing import load_processor
from models.registry import list_models, resolve_model
from models.training.data.tiles import DataError
from models.training.data.trl_rows import read_folder_rows, read_tile_rows
from models.training.stages.grpo import GrpoConfig, grpo_arguments, reward, train_grpo
from models.training.stages.sft_trl import SftConfig, train_sft
from models.training.trainer.run_folder import load_network, read_config
from models.training.trainer.trl import last_checkpoint
from tests.models.training.killed_run import killed_run


def config(**changes: Any) -> GrpoConfig:
    given: dict[str, Any] = {
        "steps": 2,
        "learning_rate": 1e-3,
        "items": 6,
        "group": 2,
        "max_new_tokens": 6,
        "rewards": {"accuracy": 1.0, "format": 0.5, "process": 2.0},
        "note_every": 1,
    }
    return GrpoConfig(**given | changes)


def metrics(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_network(folder).state_dict())


@pytest.fixture(scope="session")
def speaker(
    tmp_path_factory: pytest.TempPathFactory, mini_checkpoint: Path, questions: Path
) -> Path:
    """The run of SFT on the questions' traces, after which the network says A or B by halves."""
    out = tmp_path_factory.mktemp("speaker") / "run"
    given = SftConfig(
        trainer="trl", dataset=questions, steps=40, batch=8, learning_rate=2e-2, note_every=10
    )
    train_sft(given, mini_checkpoint, out, resume=False)
    return out


def test_sft_learns_the_traces(speaker: Path, mini_checkpoint: Path) -> None:
    losses = [line["loss"] for line in metrics(speaker)]
    assert losses[-1] < 0.5 < losses[0]
    assert metrics(speaker)[-1]["step"] == 40
    before, after = weights(mini_checkpoint), weights(speaker / "checkpoint")
    changed = {name for name, value in after.items() if not value.equal(before[name])}
    assert changed
    assert not any("visual" in name for name in changed)


def test_rewards_teach(tmp_path: Path, speaker: Path, questions: Path) -> None:
    given = config(
        dataset=questions,
        steps=12,
        questions=4,
        group=4,
        rollouts_at_once=8,
        learning_rate=3e-3,
        max_new_tokens=24,
        rewards={"accuracy": 1.0, "format": 0.5},
        beta=0.0,
        schedule="constant",
    )
    train_grpo(given, speaker / "checkpoint", tmp_path / "run", resume=False)
    found = metrics(tmp_path / "run")
    first, last = ([line["reward_accuracy"] for line in part] for part in (found[:4], found[-4:]))
    assert sum(last) > sum(first) + 0.5
    assert found[-1]["reward"] == pytest.approx(
        found[-1]["reward_accuracy"] + 0.5 * found[-1]["reward_format"], abs=1e-5
    )
    assert {"loss", "grad_norm", "completion_tokens", "cut_off", "seconds"} <= set(found[-1])
    assert not list((tmp_path / "run").glob("*.md"))


@pytest.mark.long
def test_a_killed_run_goes_on_from_its_checkpoint(
    tmp_path: Path, speaker: Path, tiles: Path
) -> None:
    start, out, path = speaker / "checkpoint", tmp_path / "run", tmp_path / "grpo.toml"
    path.write_text(
        f'data = ["{tiles}"]\nitems = 8\nsteps = 7\nlearning_rate = 1e-3\ngroup = 2\n'
        "max_new_tokens = 24\nsave_every = 2\nnote_every = 1\n"
        "[rewards]\naccuracy = 1.0\nformat = 1.0\nprocess = 1.0\n"
    )
    given = ["grpo", "--config", str(path), "--start", str(start), "--out", str(out)]
    killed_run(given, (out / "checkpoint-2" / "whole").exists)
    assert not (out / "checkpoint").exists()
    last = last_checkpoint(out)
    assert last is not None
    reached = int(last.name.split("-")[1])
    assert 2 <= reached < 7
    (out / "checkpoint-6").mkdir(exist_ok=True)  # what was being written is not gone on from
    before = [line for line in metrics(out) if line["step"] <= reached]
    train_grpo(read_config(path, GrpoConfig), start, out, resume=True)
    found = metrics(out)
    assert found[:reached] == before
    assert [line["step"] for line in found] == list(range(1, 8))
    state = json.loads((out / "checkpoint-7" / "trainer_state.json").read_text())
    assert state["global_step"] == 7
    assert all("process_abstained" in line for line in found)
    with pytest.raises(CheckpointError, match="--resume continues it"):
        train_grpo(read_config(path, GrpoConfig), start, out, resume=False)


@pytest.mark.long
def test_adapters_are_merged_and_kept(tmp_path: Path, speaker: Path, questions: Path) -> None:
    start = speaker / "checkpoint"
    given = config(
        dataset=questions,
        questions=4,
        max_new_tokens=24,
        learning_rate=1e-2,
        rewards={"accuracy": 1.0},
        lora={"rank": 2, "alpha": 4},
        gradient_checkpointing=True,
        max_pixels=50_000,
    )
    train_grpo(given, start, tmp_path / "run", resume=False)
    before, after = weights(start), weights(tmp_path / "run" / "checkpoint")
    changed = {name for name, value in after.items() if not value.equal(before[name])}
    assert changed
    assert all("language_model" in name and "_proj" in name for name in changed)
    merged = PeftModel.from_pretrained(load_network(start), tmp_path / "run" / "adapters")
    for name, value in merged.merge_and_unload().state_dict().items():
        torch.testing.assert_close(value, after[name])
    found = resolve_model(str(tmp_path / "run" / "checkpoint"))
    assert found.budget == PixelBudget(3136, 50_000)


def test_the_config_reaches_the_trainer(tmp_path: Path) -> None:
    given = config(data=("x",), questions=3, group=4, rollouts_at_once=6, temperature=0.7)
    told = grpo_arguments(given, tmp_path)
    assert told.generation_batch_size == 12
    assert (told.num_generations, told.beta, told.temperature) == (4, 0.04, 0.7)
    assert told.reward_weights == [1.0, 0.5, 2.0]
    assert (told.max_steps, told.report_to, told.save_total_limit) == (2, [], 2)
    assert (told.multi_objective_aggregation, told.scale_rewards) == ("sum_then_normalize", "group")
    given = config(data=("x",), aggregation="normalize_then_sum", scale_advantages="none")
    told = grpo_arguments(given, tmp_path)
    assert (told.multi_objective_aggregation, told.scale_rewards) == ("normalize_then_sum", "none")


class Never:
    """A judge that abstains."""

    def judge(self, traces: Sequence[JudgeInput]) -> list[JudgeVerdict | None]:
        return [None for _ in traces]


def test_rewards_go_by_their_names() -> None:
    said = ["<think>Dark.</think><answer>A</answer>"]
    columns = {"completions": said, "gold": ["A"], "item_id": ["1"], "options": [["x", "y"]]}
    assert [reward(name, Never())(**columns) for name in ("accuracy", "format", "process")] == [
        [1.0],
        [1.0],
        [None],
    ]


def test_items_are_asked_as_the_start_is_asked(tiles: Path, mini_checkpoint: Path) -> None:
    """The trainer's prompt is word for word what the backend makes of the same question."""
    for name in ("pathviewer-r1-tiny", "WenchuanZhang/Patho-R1-7B"):
        model = next(each for each in list_models() if each.name == name)
        rows = read_tile_rows([tiles], "rl", 6, 0, model, mix={}, look=None)
        again = read_tile_rows([tiles], "rl", 6, 0, model, mix={}, look={})
        assert rows["gold"] == again["gold"]
        for row, other in zip(rows, again, strict=True):
            assert row["prompt"][-1]["content"].endswith(" tags.") or model.system
            assert (row["prompt"][0]["role"] == "system") == (model.system is not None)
            assert row["question"] in row["prompt"][-1]["content"]
            assert row["images"][0].size == (224, 224)
            assert row["images"][0].tobytes() != other["images"][0].tobytes()


def test_parquet_folders_open_as_well(tmp_path: Path, questions: Path) -> None:
    model, cache = list_models()[0], tmp_path / "cache"
    rows = load_dataset(str(questions), split="train", cache_dir=str(cache))
    (tmp_path / "set").mkdir()
    rows.to_parquet(tmp_path / "set" / "train.parquet")
    kept = read_folder_rows(tmp_path / "set", "train", model, cache)
    assert len(kept) == 16
    assert kept[0]["gold"] == "A"
    assert kept[0]["image"].mode == "RGB"
    assert kept[0]["completion"][0]["role"] == "assistant"
    assert kept[0]["prompt"] == read_folder_rows(questions, "train", model, cache)[0]["prompt"]
    with pytest.raises(DataError, match=r"no split 'rl', only train\."):
        read_folder_rows(questions, "rl", model, cache)


def without(column: str) -> Callable[[Dataset], Dataset]:
    return lambda rows: rows.remove_columns(column)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without("answer"), r"lacks the columns gold\."),
        (without("image"), "neither a column images nor image"),
        (without("question"), "neither a column prompt nor question"),
        (lambda rows: rows.select([0]), "1 items are fewer than the 2 questions"),
    ],
)
def test_a_data_set_that_does_not_fit_is_told(
    tmp_path: Path,
    questions: Path,
    mini_checkpoint: Path,
    spoil: Callable[[Dataset], Dataset],
    told: str,
) -> None:
    rows = load_dataset(str(questions), split="train", cache_dir=str(tmp_path / "cache"))
    (tmp_path / "set").mkdir()
    spoil(rows).to_parquet(tmp_path / "set" / "train.parquet")
    with pytest.raises(DataError, match=told):
        train_grpo(
            config(dataset=tmp_path / "set"), mini_checkpoint, tmp_path / "run", resume=False
        )
    # the folder is free for another try
    assert not list((tmp_path / "run").glob("checkpoint*"))


def test_a_licence_that_forbids_it_is_kept(tmp_path: Path, mini_checkpoint: Path) -> None:
    start = tmp_path / "Patho-R1-7B"
    shutil.copytree(mini_checkpoint, start)
    with pytest.raises(CheckpointError, match=r"\(CC-BY-NC-ND-4.0\) forbids training"):
        train_grpo(config(data=("x",)), start, tmp_path / "run", resume=False)
    assert load_processor(start)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "either data or dataset is needed"),
        ({"data": ("a",), "dataset": "b"}, "either data or dataset is needed"),
        ({"data": ("a",), "rewards": {}}, "rewards"),
        ({"data": ("a",), "rewards": {"accurate": 1.0}}, "rewards.accurate"),
        ({"data": ("a",), "rollouts_at_once": 3}, "must divide questions x group = 4"),
        ({"data": ("a",), "judge": "somebody"}, "judge"),
        ({"data": ("a",), "look": {"red": 1.0}}, "there is no red"),
    ],
)
def test_a_config_that_is_not_right_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        config(**changes)
