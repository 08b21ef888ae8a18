from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from torch import Tensor, nn

from models.errors import CheckpointError, ModelError
from models.training.stages.finetuning import TuningConfig, train_tuning
from models.training.stages.vision import VisionConfig, train_vision
from models.training.trainer.loop import LoopConfig, TrainingLoop
from models.training.trainer.run_folder import load_network, read_config
from tests.models.training.killed_run import killed_run


def config(**changes: Any) -> LoopConfig:
    given: dict[str, Any] = {"steps": 4, "learning_rate": 0.1, "warmup": 2, "accumulate": 2}
    return LoopConfig(**given | changes)


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    layers[1].requires_grad_(False)
    return layers


def first_weight(layers: nn.Module) -> Tensor:
    return layers.get_parameter("0.weight")


def run(loop: TrainingLoop) -> None:
    def draw(step: int, number: int) -> Tensor:
        return torch.full((3,), float(step + number))

    def loss_of(batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        loss = (loop.network(batch) - batch.mean()).square().mean()
        return loss, {"first": batch[0].item()}

    loop.run(draw, loss_of, lambda: {"always": 1.0})


def metrics(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_the_rate_rises_and_falls(tmp_path: Path) -> None:
    loop = TrainingLoop(network(), config(steps=12, warmup=2), tmp_path)
    rates = [loop.rate_at(step) for step in range(12)]
    assert rates[:3] == pytest.approx([0.05, 0.1, 0.1])
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert loop.rate_at(12) == pytest.approx(0.002)


def test_only_what_is_trained_changes_and_some_of_it_slowly(tmp_path: Path) -> None:
    before = network()
    loop = TrainingLoop(network(), config(), tmp_path, slow={"0.bias": 0.0})
    run(loop)
    after = dict(loop.network.named_parameters())
    for name, parameter in before.named_parameters():
        assert parameter.equal(after[name]) == (name != "0.weight"), name


def test_figures_are_means_over_a_step(tmp_path: Path) -> None:
    run(TrainingLoop(network(), config(note_every=2, evaluate_every=3), tmp_path))
    found = metrics(tmp_path)
    assert [line["step"] for line in found] == [2, 3, 4, 4]
    assert found[0]["first"] == 1.5  # of batches 1 and 2
    assert found[1] == {"step": 3, "validation_always": 1.0}


def test_averaged_weights_are_put_back(tmp_path: Path) -> None:
    loop = TrainingLoop(network(), config(averaging=0.9), tmp_path)
    run(loop)
    last = first_weight(loop.network).detach().clone()
    with loop.use_averaged_weights():
        assert not first_weight(loop.network).equal(last)
    assert first_weight(loop.network).equal(last)
    loop = TrainingLoop(network(), config(averaging=0.0), tmp_path)
    with loop.use_averaged_weights():
        assert first_weight(loop.network).equal(first_weight(network()))


def test_a_run_at_its_end_stays_as_it_is(tmp_path: Path) -> None:
    loop = TrainingLoop(network(), config(), tmp_path)
    run(loop)
    again = TrainingLoop(network(), config(), tmp_path)
    again.resume()
    run(again)
    assert again.step == 4
    assert first_weight(again.network).equal(first_weight(loop.network))
    assert [line["step"] for line in metrics(tmp_path)] == [4, 4]


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / "run.lock"),
        pytest.raises(CheckpointError, match=f"Another process trains in {tmp_path}"),
    ):
        run(TrainingLoop(network(), config(), tmp_path))


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    loop = TrainingLoop(network(), config(), tmp_path)

    def loss_of(batch: int) -> tuple[Tensor, dict[str, float]]:
        return loop.network(torch.ones(3)).mean() * (float("nan") if batch else 1.0), {}

    with pytest.raises(ModelError, match="loss of step 3 is not finite"):
        loop.run(lambda step, _: step // 2, loss_of, dict)


STAGES: dict[str, tuple[type[Any], Callable[..., object], str]] = {
    "vision": (VisionConfig, train_vision, ""),
    "sft": (TuningConfig, train_tuning, "items = 8\nvalidation_items = 8\ntraces = 0.5\n"),
}


@pytest.mark.long
@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(
    stage: str, tmp_path: Path, tiles: Path, mini_checkpoint: Path, one_thread: None
) -> None:
    kind, train, own = STAGES[stage]
    path = tmp_path / "stage.toml"
    path.write_text(
        f'data = ["{tiles}"]\nbatch = 2\n{own}[loop]\nsteps = 30\naccumulate = 1\nwarmup = 5\n'
        "learning_rate = 1e-3\nsave_every = 3\nnote_every = 1\n"
    )
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    given = ["--config", str(path), "--start", str(mini_checkpoint), "--out", str(killed)]
    killed_run([stage, *given], (killed / "last.pt").exists)
    assert not (killed / "checkpoint").exists()
    config = read_config(path, kind)
    train(config, mini_checkpoint, killed, resume=True)
    train(config, mini_checkpoint, whole, resume=False)
    weights = load_network(whole / "checkpoint").state_dict()
    for name, value in load_network(killed / "checkpoint").state_dict().items():
        assert value.equal(weights[name]), name
    # each step stands once, and as it was in the other run
    told = [
        [{name: value for name, value in line.items() if name != "seconds"} for line in lines]
        for lines in (metrics(killed), metrics(whole))
    ]
    assert told[0] == told[1]
    assert [line["step"] for line in told[0]] == [*range(1, 31), 30]
