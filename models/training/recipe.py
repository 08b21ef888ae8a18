"""Recipes: a folder of numbered configs, the steps from random weights to a checkpoint.

A config names its `stage` and the earlier steps it starts from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

import models
from models.errors import ModelError
from models.training.stages.finetuning import TuningConfig
from models.training.stages.vision import VisionConfig
from models.training.trainer.run_folder import override_table, parse_config, read_table
from models.training.trainer.stage_config import StageConfig

RECIPES = Path(models.__file__).parent / "recipes"
DATA_FILE = "data.toml"
"""A recipe's file with each data folder and the command that makes it."""
SMOKE_LOOP = {
    "steps": 2,
    "accumulate": 2,
    "warmup": 1,
    "evaluate_every": 2,
    "save_every": 1,
    "note_every": 1,
}
"""Loop settings of a smoke run: one batch of text and one of pictures per step."""


class NewConfig(BaseModel):
    """A step that writes a network of random weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Literal["new"]
    """As `train new`."""
    size: str = "tiny"
    """One of `random_init.SIZES`."""
    seed: int = 0
    """Seed of the weights."""


class AverageConfig(BaseModel):
    """A step that writes the mean of checkpoints."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Literal["average"]
    """As `train average`."""
    starts: tuple[str, ...] = Field(min_length=2)
    """Steps whose checkpoints are averaged; everything but the weights comes from the last."""
    bfloat16: bool = False
    """Whether to write the mean in bfloat16 instead of float32."""


CONFIGS: Mapping[str, type[BaseModel]] = {
    "new": NewConfig,
    "vision": VisionConfig,
    "align": TuningConfig,
    "sft": TuningConfig,
    "average": AverageConfig,
}
"""Config class by stage."""


@dataclass(frozen=True)
class Step:
    """A numbered config of a recipe."""

    name: str
    """File name without extension, such as `03_sft`; also the name of the run folder."""
    path: Path
    """The file."""
    stage: str
    """One of `CONFIGS`."""
    config: BaseModel
    """Settings of the step."""

    @property
    def starts(self) -> tuple[str, ...]:
        """Steps whose checkpoints it needs."""
        if isinstance(self.config, AverageConfig):
            return self.config.starts
        if isinstance(self.config, StageConfig):
            return (self.config.start or "",)
        return ()

    @property
    def data(self) -> tuple[Path, ...]:
        """Data folders that it reads."""
        return getattr(self.config, "data", ())


@dataclass(frozen=True)
class Recipe:
    """An ordered sequence of steps."""

    name: str
    """The folder's name."""
    steps: tuple[Step, ...]
    """By number; each starts from earlier ones."""
    makers: Mapping[Path, str]
    """By data folder, the command that makes it, without its `--out`."""

    def between(self, first: str | None, last: str | None) -> tuple[Step, ...]:
        """Steps from one to another, inclusive, by name or number. Raises ModelError."""
        begin = self._place(first) if first else 0
        end = self._place(last) if last else len(self.steps) - 1
        if begin > end:
            message = f"{self.steps[begin].name} comes after {self.steps[end].name}; swap them."
            raise ModelError(message)
        return self.steps[begin : end + 1]

    def _place(self, step: str) -> int:
        for place, known in enumerate(self.steps):
            number = known.name.split("_")[0]
            if step == known.name or (step.isdecimal() and int(step) == int(number)):
                return place
        names = ", ".join(known.name for known in self.steps)
        message = f"The recipe {self.name} has no step {step}; it has {names}."
        raise ModelError(message)


def read_recipe(
    name: str,
    *,
    data: Sequence[Path] = (),
    seed: int | None = None,
    smoke: bool = False,
) -> Recipe:
    """Read a recipe by its name in `models/recipes` or by its folder.

    Each of `data` replaces the recipe's data folder of the same name, `seed` the seeds of all
    steps. With `smoke`, every step is as small as possible. Raises ModelError for an invalid config
    or an unknown recipe, step or data folder.
    """
    folder, makers = _recipe_folder(name), data_makers(name)
    places = _replace_folders(list(makers), data)
    steps = tuple(_read_step(path, places, seed, smoke) for path in _numbered(folder))
    _check_order(steps)
    return Recipe(folder.name, steps, makers)


def data_makers(name: str) -> dict[Path, str]:
    """Commands that make a recipe's data folders, without their `--out`."""
    path = _recipe_folder(name) / DATA_FILE
    table = read_table(path) if path.exists() else {}
    return {Path(folder): str(command) for folder, command in table.items()}


def _numbered(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.toml") if re.match(r"\d+_", path.name))


def _recipe_folder(name: str) -> Path:
    for folder in (RECIPES / name, Path(name)):
        if _numbered(folder):
            return folder
    known = sorted(path.name for path in RECIPES.iterdir() if _numbered(path))
    message = f"There is no recipe {name}; known are {', '.join(known)}."
    raise ModelError(message)


def _replace_folders(known: Sequence[Path], data: Sequence[Path]) -> dict[Path, Path]:
    """Folder to read in place of each known one."""
    places = {path: path for path in known}
    for folder in data:
        same = [path for path in known if path.name == folder.absolute().name]
        if not same:
            names = " and ".join(path.name for path in known) or "no data folder"
            message = f"No step reads {folder}: the recipe has {names}. Name the folder the same."
            raise ModelError(message)
        places[same[0]] = folder
    return places


def _read_step(path: Path, places: Mapping[Path, Path], seed: int | None, smoke: bool) -> Step:
    table = read_table(path)
    stage = str(table.get("stage"))
    if stage not in CONFIGS:
        message = f"The config {path} is not a step: its stage must be one of {', '.join(CONFIGS)}."
        raise ModelError(message)
    if stage != "average":
        folders = [places.get(Path(folder), Path(folder)) for folder in table.get("data", ())]
        table = override_table(table, data=folders, seed=seed)
    config = parse_config(_shrink(table) if smoke else table, CONFIGS[stage], path)
    return Step(path.stem, path, stage, config)


def _shrink(table: Mapping[str, Any]) -> dict[str, Any]:
    """A step's table with a mini network, few items and two optimiser steps."""
    small = dict(table)
    if "size" in small:
        small["size"] = "mini"
    if "loop" in small:
        small |= {"batch": 2, "loop": {**small["loop"], **SMOKE_LOOP}}
    if "items" in small:
        small |= {"items": 8, "validation_items": 8}
        small["wordings"] = min(1, small.get("wordings", 0))
    return small


def _check_order(steps: Sequence[Step]) -> None:
    """Raise an error for a step that does not start from an earlier one."""
    earlier: set[str] = set()
    for step in steps:
        for start in step.starts:
            if start not in earlier:
                message = f"{step.path} starts from “{start}”, which is not an earlier step."
                raise ModelError(message)
        earlier.add(step.name)
