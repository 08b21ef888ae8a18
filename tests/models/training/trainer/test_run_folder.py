from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from models.errors import CheckpointError, ModelError
from models.processing import load_processor
from models.registry import list_models, resolve_model
from models.training.trainer.run_folder import (
    begin_run,
    copy_with_weights,
    find_start_model,
    forget_after,
    load_network,
    note_figures,
    override_table,
    read_config,
)


class Few(BaseModel):
    model_config = ConfigDict(extra="forbid")
    steps: int = Field(ge=1)
    seed: int = 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps = 0", "steps: Input should be greater than or equal to 1"),
        ("steps = 3\nstep = 3", "step: Extra inputs are not permitted"),
        ("seed = 3", "steps: Field required"),
        ("steps = ", "is not TOML"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_config_that_is_not_right_is_told_field_by_field(
    tmp_path: Path, text: str | None, told: str
) -> None:
    path = tmp_path / "few.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ModelError, match=told) as raised:
        read_config(path, Few)
    assert str(path) in str(raised.value)


def test_the_command_line_changes_data_and_seed() -> None:
    loop = {"loop": {"steps": 2, "seed": 0}, "data": ["a"]}
    assert override_table(loop, data=None, seed=None) == loop
    assert override_table(loop, data=[Path("b")], seed=5) == {
        "loop": {"steps": 2, "seed": 5},
        "data": [Path("b")],
    }
    assert override_table({"dataset": "x"}, data=[Path("b")], seed=5) == {
        "data": [Path("b")],
        "seed": 5,
    }
    assert loop["loop"] == {"steps": 2, "seed": 0}


def test_a_run_goes_on_only_as_what_it_began(tmp_path: Path) -> None:
    out, start = tmp_path / "run", tmp_path / "start"
    begin_run(out, "sft", Few(steps=1), start, resume=False)
    assert json.loads((out / "run.json").read_text())["libraries"]["torch"]
    begin_run(out, "sft", Few(steps=3), start, resume=False)  # nothing was trained yet
    note_figures(out, 1, {"loss": 1.0})
    begin_run(out, "sft", Few(steps=3), start, resume=True)
    with pytest.raises(CheckpointError, match="--resume continues it"):
        begin_run(out, "sft", Few(steps=3), start, resume=False)
    with pytest.raises(CheckpointError, match="a run with another start, seed, steps;"):
        begin_run(out, "sft", Few(steps=4, seed=1), tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="a run with another stage;"):
        begin_run(out, "grpo", Few(steps=3), start, resume=True)


def test_figures_after_the_checkpoint_are_forgotten(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        note_figures(tmp_path, step, {"loss": 1 / step, "right": float("nan"), "kl": float("inf")})
    path = tmp_path / "metrics.jsonl"
    with path.open("a") as file:
        file.write('{"step": 4, "lo')  # killed in the midst of it
    forget_after(tmp_path, 2)
    assert path.read_text() == '{"step": 1, "loss": 1.0}\n{"step": 2, "loss": 0.5}\n'
    forget_after(tmp_path / "nothing", 2)


def test_a_checkpoint_says_how_it_was_asked(tmp_path: Path, mini_checkpoint: Path) -> None:
    asked = next(each for each in list_models() if each.system)
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "model.safetensors").write_text("of a run before")
    copy_with_weights(load_network(mini_checkpoint), mini_checkpoint, folder, asked)
    found = resolve_model(str(folder))
    assert (found.prompt_style, found.system) == (asked.prompt_style, asked.system)
    assert found.budget == asked.budget
    assert (found.licence, found.train_allowed) == (asked.licence, False)
    assert load_processor(folder).chat_template == load_processor(mini_checkpoint).chat_template
    before, after = load_network(mini_checkpoint), load_network(folder)
    assert all(
        one.equal(other) for one, other in zip(before.parameters(), after.parameters(), strict=True)
    )
    assert not (tmp_path / "checkpoint.part").exists()
    # what a checkpoint says of itself stays with it
    copy_with_weights(after, folder, tmp_path / "next")
    assert resolve_model(str(tmp_path / "next")).system == asked.system


def test_what_is_no_checkpoint_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="`train new` writes"):
        find_start_model(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        find_start_model(tmp_path)


def test_a_checkpoint_with_another_ones_tokenizer_is_not_trained(
    tmp_path: Path, mini_checkpoint: Path
) -> None:
    folder = shutil.copytree(mini_checkpoint, tmp_path / "mixed")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    known = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {text: place for text, place in known.items() if place < 300}
    tokenizer["model"]["merges"] = []
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(CheckpointError, match="The tokenizer beside “mixed” belongs to another"):
        load_network(folder)
