"""Recipes: what their folders may hold, and when a step is run, passed over or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.errors import CheckpointError, ModelError
from models.processing import load_processor
from models.training.recipe import CONFIGS, RECIPES, read_recipe
from models.training.recipe_run import is_finished, last_figures, run_step
from models.training.stages.finetuning import TuningConfig
from models.training.trainer.run_folder import note_figures

NEW = 'stage = "new"\nsize = "mini"\nseed = {}\n'
MEAN = 'stage = "average"\nstarts = ["00_first", "01_second"]\n'


def write_recipe(folder: Path, **steps: str) -> str:
    """A recipe of two networks and their mean, or of other steps."""
    folder.mkdir(exist_ok=True)
    texts = {"00_first": NEW.format(0), "01_second": NEW.format(1), "02_mean": MEAN} | {
        name.removeprefix("step_"): text for name, text in steps.items()
    }
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)
    return str(folder)


def run(recipe: str, runs: Path) -> list[str]:
    return [run_step(step, runs) for step in read_recipe(recipe).steps]


def test_the_shipped_recipe_is_one_chain() -> None:
    recipe = read_recipe("tiny")
    assert [int(step.name[:2]) for step in recipe.steps] == list(range(14))
    assert {step.stage for step in recipe.steps} == set(CONFIGS)
    needed = {start for step in recipe.steps for start in step.starts}
    assert needed == {step.name for step in recipe.steps[:-1]}  # none is run in vain
    assert {folder for step in recipe.steps for folder in step.data} == set(recipe.makers)
    for command in recipe.makers.values():
        assert command.startswith("python -m pathviewer train data ")


def test_data_folders_are_replaced_by_name_and_seeds_in_all_steps(tmp_path: Path) -> None:
    own = tmp_path / "phantom"
    recipe = read_recipe("tiny", data=[own], seed=7)
    steps = {step.name: step for step in recipe.steps}
    assert steps["01_vision"].data == (Path("data/lc25000"), own)
    assert steps["04_left_and_right"].data == (Path("data/lc25000"),)
    config = steps["09_long_sft"].config
    assert isinstance(config, TuningConfig)
    assert config.loop.seed == 7
    assert steps["00_random_init"].config.model_dump()["seed"] == 7
    with pytest.raises(ModelError, match="No step reads tiles: the recipe has lc25000 and phantom"):
        read_recipe("tiny", data=[Path("tiles")])


def test_a_smoke_run_changes_how_much_and_nothing_else() -> None:
    whole, small = read_recipe("tiny"), read_recipe("tiny", smoke=True)
    changes = {"size", "batch", "items", "validation_items", "wordings", "loop"}
    for step, smoke in zip(whole.steps, small.steps, strict=True):
        assert (step.name, step.stage, step.starts) == (smoke.name, smoke.stage, smoke.starts)
        before, after = step.config.model_dump(), smoke.config.model_dump()
        assert {name for name in before if before[name] != after[name]} <= changes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed = 1\n", "its stage must be one of new, vision, align, sft, average"),
        ('stage = "grpo"\n', "its stage must be one of"),
        (NEW.format(1) + "sead = 2\n", "sead: Extra inputs are not permitted"),
        ('stage = "average"\nstarts = ["00_first"]\n', "starts: Tuple should have at least 2"),
        (
            MEAN.replace("01_second", "02_mean"),
            "starts from “02_mean”, which is not an earlier step",
        ),
        ('stage = "vision"\ndata = []\n[loop]\nsteps = 1\nlearning_rate = 1.0\n', "from “”"),
    ],
)
def test_a_step_that_is_not_right_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        read_recipe(write_recipe(tmp_path / "two", step_01_second=text))


def test_what_is_no_recipe_is_refused(tmp_path: Path) -> None:
    assert (RECIPES / "qwen7b").is_dir()
    for name in ("qwen7b", "none", str(tmp_path)):
        with pytest.raises(ModelError, match=r"There is no recipe .*; known are tiny"):
            read_recipe(name)


def test_steps_are_chosen_by_name_or_number(tmp_path: Path) -> None:
    recipe = read_recipe(write_recipe(tmp_path / "two"))
    for first, last, expected in [
        (None, None, ["00_first", "01_second", "02_mean"]),
        ("1", None, ["01_second", "02_mean"]),
        ("01_second", "01", ["01_second"]),
    ]:
        assert [step.name for step in recipe.between(first, last)] == expected
    with pytest.raises(ModelError, match="has no step 3; it has 00_first, 01_second, 02_mean"):
        recipe.between("3", None)
    with pytest.raises(ModelError, match="02_mean comes after 01_second"):
        recipe.between("2", "1")


def test_finished_steps_are_passed_over_and_broken_ones_done_again(tmp_path: Path) -> None:
    recipe, runs = write_recipe(tmp_path / "two"), tmp_path / "runs"
    assert run(recipe, runs) == ["finished"] * 3
    assert run(recipe, runs) == ["finished before"] * 3
    assert load_processor(runs / "02_mean" / "checkpoint")
    (runs / "02_mean" / "checkpoint").rename(runs / "02_mean" / "checkpoint.part")
    assert run(recipe, runs) == ["finished before", "finished before", "resumed"]
    shutil.rmtree(runs / "00_first" / "checkpoint")  # to save space, say
    assert is_finished(read_recipe(recipe).steps[2], runs)


def test_a_step_that_has_changed_is_refused_with_the_way_out(tmp_path: Path) -> None:
    recipe, runs = write_recipe(tmp_path / "two"), tmp_path / "runs"
    run(recipe, runs)
    write_recipe(tmp_path / "two", step_01_second=NEW.format(2))
    changed = f"01_second was run with another seed. Remove {runs}/01_second and the folders"
    with pytest.raises(CheckpointError, match=changed):
        run(recipe, runs)
    shutil.rmtree(runs / "01_second")
    with pytest.raises(CheckpointError, match="02_mean was run with another 01_second"):
        run(recipe, runs)
    shutil.rmtree(runs / "02_mean")
    assert run(recipe, runs) == ["finished before", "finished before", "finished"]


def test_a_checkpoint_of_another_run_is_not_taken_for_the_steps(tmp_path: Path) -> None:
    recipe, runs = write_recipe(tmp_path / "two"), tmp_path / "runs"
    (runs / "00_first" / "checkpoint").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="holds a checkpoint of another run"):
        run(recipe, runs)


def test_a_step_without_its_start_says_where_to_begin(tmp_path: Path) -> None:
    steps = read_recipe(write_recipe(tmp_path / "two")).steps
    with pytest.raises(CheckpointError, match=r"02_mean needs 00_first, .*--from 00_first"):
        run_step(steps[2], tmp_path / "runs")


def test_the_last_figures_of_the_validation_split(tmp_path: Path) -> None:
    assert last_figures(tmp_path) == {}
    note_figures(tmp_path, 1, {"validation_last": 0.25})
    note_figures(tmp_path, 2, {"loss": 1.0})
    assert last_figures(tmp_path)["validation_last"] == 0.25
