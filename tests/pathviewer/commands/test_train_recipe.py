"""`train recipe`: the whole recipe in small, killed in the middle and resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.engines.local.engine import LocalEngine
from models.messages import CompletionEnd
from models.training.recipe import read_recipe
from models.training.recipe_run import checkpoint_of
from models.training.stages.finetuning import TuningConfig, train_tuning
from models.training.trainer.run_folder import load_network
from pathviewer.commands.train import app
from tests.commands import Called, called
from tests.models.engines.local_asking import BUDGET, ask
from tests.models.training.killed_run import killed_run

pytestmark = pytest.mark.long

BROKEN = "05_all_claims"
"""The step in which the run is killed."""
NAMES = [step.name for step in read_recipe("tiny").steps]


def written(runs: Path) -> dict[str, int]:
    """When each step's weights were written, ns."""
    paths = {name: checkpoint_of(runs, name) / "model.safetensors" for name in NAMES}
    return {name: path.stat().st_mtime_ns for name, path in paths.items() if path.exists()}


def results(run: Called) -> dict[str, str]:
    """What was printed as each step's result, without its figure."""
    lines = [line for line in run.stdout.splitlines() if line.split()[0] in NAMES]
    return {line.split()[0]: line.split(" s  ")[1].split(",")[0] for line in lines}


def test_a_smoke_run_killed_in_the_middle_is_resumed_to_a_checkpoint_that_answers(
    tmp_path: Path, one_thread: None
) -> None:
    runs = tmp_path / "runs"
    command = ["recipe", "tiny", "--smoke", "--out", str(runs)]
    killed_run(command, (runs / BROKEN / "last.pt").exists)
    before = written(runs)
    assert list(before) == NAMES[: NAMES.index(BROKEN)]

    resumed = called(app, *command)
    assert resumed.code == 0, resumed
    expected = {name: "finished before" if name in before else "finished" for name in NAMES}
    assert results(resumed) == expected | {BROKEN: "resumed"}
    after = written(runs)
    assert {name: after[name] for name in before} == before
    check_broken_step(runs, tmp_path / "whole")
    check_answer(checkpoint_of(runs, NAMES[-1]))

    again = called(app, *command)
    assert results(again) == dict.fromkeys(NAMES, "finished before")
    assert written(runs) == after
    seeded = called(app, *command, "--seed", "3")
    assert (seeded.code, "00_random_init was run with another seed." in seeded.told) == (1, True)


def check_broken_step(runs: Path, whole: Path) -> None:
    """The step that was killed ends with the weights of one that was not."""
    data = [runs / "data" / name for name in ("lc25000", "phantom")]
    steps = read_recipe("tiny", data=data, smoke=True).between(BROKEN, BROKEN)
    config = steps[0].config
    assert isinstance(config, TuningConfig)
    train_tuning(config, checkpoint_of(runs, steps[0].starts[0]), whole, resume=False)
    weights = load_network(whole / "checkpoint").state_dict()
    for name, value in load_network(checkpoint_of(runs, BROKEN)).state_dict().items():
        assert value.equal(weights[name]), name


def check_answer(checkpoint: Path) -> None:
    """The local engine answers a question about a picture."""
    engine = LocalEngine(checkpoint, "smoke", device="cpu", budget=BUDGET)
    try:
        end = ask(engine)[-1]
    finally:
        engine.close()
    assert isinstance(end, CompletionEnd)
    assert end.completion.token_ids


def test_missing_data_are_named_with_the_commands_that_make_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = called(app, "recipe", "tiny", "--out", "runs", "--data", "other/phantom")
    assert run.code == 1
    assert "train data import --from LC25000" in run.told
    assert "--per-group 4 --out data/lc25000\n" in run.told
    assert "train data phantom --count 1500 --seed 1 --out other/phantom" in run.told
    assert not Path("runs").exists()
    run = called(app, "recipe", "tiny", "--out", "runs", "--until", "0")
    assert (run.code, list(results(run))) == (0, ["00_random_init"])  # it reads no data


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tiny", "--smoke", "--processes", "2"], "--smoke makes its own tiles"),
        (["tiny", "--smoke", "--data", "tiles"], "--smoke makes its own tiles"),
        (["tiny", "--from", "20"], "has no step 20"),
        (["qwen7b"], "known are tiny"),
    ],
)
def test_what_cannot_run_is_refused_in_a_sentence(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    run = called(app, "recipe", *arguments, "--out", tmp_path / "runs")
    assert (run.code, sentence in run.told) == (1, True), run
