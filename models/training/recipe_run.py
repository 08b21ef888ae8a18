"""Running a recipe's step in its folder: start, resume, skip or refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from models.engines.local.checkpoint import revision
from models.errors import CheckpointError
from models.training.recipe import AverageConfig, NewConfig, Step
from models.training.specimen.random_init import write_fresh_checkpoint
from models.training.stages.finetuning import train_tuning
from models.training.stages.vision import train_vision
from models.training.trainer.run_folder import METRICS
from models.training.trainer.weight_averaging import write_average

STEP_FILE = "step.json"
"""Description of a step in its folder: stage, config, and the weights it started from."""
Train = Callable[..., None]
"""Signature of a stage: (config, start, out, *, resume)."""
Result = Literal["finished before", "resumed", "finished"]


def stage_function(stage: str) -> Train:
    """Training function of a stage."""
    return train_vision if stage == "vision" else train_tuning


def checkpoint_of(runs: Path, step: str) -> Path:
    """Checkpoint folder of a step."""
    return runs / step / "checkpoint"


def is_finished(step: Step, runs: Path) -> bool:
    """Whether the result of this very step exists.

    Raises CheckpointError if the folder holds a step with another config or start, or a checkpoint
    not written by a recipe: continuing from it would be a training that no recipe describes.
    """
    folder = runs / step.name
    path = folder / STEP_FILE
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        differing = _differences(before, _description(step, runs))
        if differing:
            message = (
                f"{step.name} was run with another {', '.join(differing)}. Remove {folder} and the "
                "folders of later steps to run them again, or name another --out."
            )
            raise CheckpointError(message)
    elif checkpoint_of(runs, step.name).exists():
        message = f"{folder} holds a checkpoint of another run. Remove it, or name another --out."
        raise CheckpointError(message)
    return checkpoint_of(runs, step.name).exists()


def run_step(step: Step, runs: Path, train: Train | None = None) -> Result:
    """Run a step in `runs/NAME`; `train` replaces the stage's function.

    Raises CheckpointError as `is_finished` does, and if a step that it starts from has no result.
    """
    if is_finished(step, runs):
        return "finished before"
    missing = [name for name in step.starts if not checkpoint_of(runs, name).exists()]
    if missing:
        message = f"{step.name} needs {missing[0]}, which is not finished: --from {missing[0]}."
        raise CheckpointError(message)
    folder = runs / step.name
    resumed = (folder / STEP_FILE).exists()
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{STEP_FILE}.part"
    part.write_text(json.dumps(_description(step, runs), indent=1), encoding="utf-8")
    part.replace(folder / STEP_FILE)
    _write_checkpoint(step, runs, train or stage_function(step.stage))
    return "resumed" if resumed else "finished"


def last_figures(folder: Path) -> dict[str, float]:
    """Last validation figures of a run; empty for a step without training."""
    path = folder / METRICS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in reversed(lines):
        figures: dict[str, float] = json.loads(line)
        if any(name.startswith("validation_") for name in figures):
            return figures
    return {}


def _write_checkpoint(step: Step, runs: Path, train: Train) -> None:
    """Write the step's result atomically."""
    folder = runs / step.name
    starts = [checkpoint_of(runs, name) for name in step.starts]
    config = step.config
    if not isinstance(config, NewConfig | AverageConfig):
        train(config, starts[0], folder, resume=True)
        return
    part = folder / "checkpoint.part"
    shutil.rmtree(part, ignore_errors=True)
    if isinstance(config, NewConfig):
        write_fresh_checkpoint(part, seed=config.seed, size=config.size)
    else:
        write_average(starts, part, small=config.bfloat16)
    part.rename(folder / "checkpoint")


def _description(step: Step, runs: Path) -> dict[str, Any]:
    """Description of a step for its folder; a missing start has no revision."""
    starts = {name: checkpoint_of(runs, name) for name in step.starts}
    return {
        "stage": step.stage,
        "config": step.config.model_dump(mode="json"),
        "starts": {name: _revision(folder) for name, folder in starts.items()},
    }


def _revision(checkpoint: Path) -> str | None:
    files = sorted(checkpoint.glob("*.safetensors"))
    return revision(checkpoint, files) if files else None


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Names of changed settings; a start removed since then is not compared."""
    names = ["stage"] if before["stage"] != now["stage"] else []
    for part in ("config", "starts"):
        old, new = before[part], now[part]
        differing = sorted(name for name in old | new if old.get(name) != new.get(name))
        removed = {name for name in differing if part == "starts" and new.get(name, "") is None}
        names += [name for name in differing if name not in removed]
    return names
