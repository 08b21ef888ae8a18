"""Fine-tuning on feedback: DPO on pairs of completions, KTO on single ones.

The data set is a folder written by `pathviewer export`, in the format `preference` (columns
`chosen`, `rejected`) or `unpaired` (`completion`, `label`); the format decides the trainer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets import Dataset
from pydantic import Field, model_validator
from transformers import Trainer
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from models.processing import PathologyProcessor
from models.training.data.licences import check_licences
from models.training.data.tiles import DataError
from models.training.trainer.run_folder import begin_run, find_start_model
from models.training.trainer.trl import (
    QuietTrainer,
    TrainerConfig,
    limit_pixel_budget,
    lora_config,
    open_network,
    open_processor,
    read_rows,
    run_trainer,
    trainer_arguments,
    write_result,
)

PAIRS = ("prompt", "chosen", "rejected")
SINGLES = ("prompt", "completion", "label")
LEAST_BATCH = 2
"""KTO compares each completion with the prompt of another one in the batch."""


class PreferencesConfig(TrainerConfig):
    """Config of this stage; its data set is an export."""

    batch: int = Field(default=2, ge=LEAST_BATCH)
    """Pairs, or single completions, per forward and backward pass."""
    accumulate: int = Field(default=1, ge=1)
    """Passes per step."""
    beta: float = Field(default=0.1, gt=0)
    """Strength of the penalty for moving away from the initial network."""

    @model_validator(mode="after")
    def _exports_only(self) -> PreferencesConfig:
        if self.data:
            message = "preferences need an export; set it as dataset"
            raise ValueError(message)
        return self


class Dpo(QuietTrainer, DPOTrainer):
    """TRL's trainer without telemetry and model card."""


class Kto(QuietTrainer, KTOTrainer):
    """TRL's trainer without telemetry and model card."""


def train_preferences(config: PreferencesConfig, start: Path, out: Path, *, resume: bool) -> None:
    """Train the checkpoint `start` on an export; the result is in `out/checkpoint`.

    The divergence is measured from `start`. Adapters are merged into the result's weights and also
    stored in `out/adapters`. Raises ModelError for what cannot be trained.
    """
    model = find_start_model(start)
    processor = open_processor(start)
    model = replace(model, budget=limit_pixel_budget(config, processor))
    begin_run(out, "preferences", config, start, resume=resume)
    rows = read_rows(config, "train", model, out)
    make = trainer_of(rows)
    check_licences(rows)
    if len(rows) < config.batch:
        message = f"{len(rows)} rows are fewer than the {config.batch} of a batch; lower batch."
        raise DataError(message)
    run_trainer(trainer := make(config, start, out, rows, processor), config, out, resume=resume)
    write_result(trainer, start, out, model)


Make = Callable[[PreferencesConfig, Path, Path, Dataset, PathologyProcessor], Trainer]


def trainer_of(rows: Dataset) -> Make:
    """Trainer for rows with these columns; raises DataError if there is none."""
    there = set(rows.column_names)
    if there >= set(PAIRS):
        return _dpo
    if there >= set(SINGLES):
        return _kto
    message = (
        f"The data set has neither the columns {', '.join(PAIRS)} nor {', '.join(SINGLES)}; "
        "export it with --format preference or --format unpaired."
    )
    raise DataError(message)


def _dpo(
    config: PreferencesConfig, start: Path, out: Path, rows: Dataset, processor: PathologyProcessor
) -> Trainer:
    return Dpo(args=DPOConfig(**_arguments(config, out)), **_parts(config, start, rows, processor))


def _kto(
    config: PreferencesConfig, start: Path, out: Path, rows: Dataset, processor: PathologyProcessor
) -> Trainer:
    # KTO keeps the order of rows, and a batch should hold right and wrong ones
    mixed = rows.shuffle(seed=config.seed)
    return Kto(args=KTOConfig(**_arguments(config, out)), **_parts(config, start, mixed, processor))


def _arguments(config: PreferencesConfig, out: Path) -> dict[str, Any]:
    return trainer_arguments(config, out) | {
        "per_device_train_batch_size": config.batch,
        "gradient_accumulation_steps": config.accumulate,
        "beta": config.beta,
        "max_length": None,
        # the last rows of an epoch may be fewer than a batch, and KTO needs two
        "dataloader_drop_last": True,
    }


def _parts(
    config: PreferencesConfig, start: Path, rows: Dataset, processor: PathologyProcessor
) -> dict[str, Any]:
    """Arguments of both trainers.

    The divergence is measured without the adapters, or from a second network.
    """
    return {
        "model": open_network(config, start),
        "ref_model": None if config.lora else open_network(config, start),
        "train_dataset": rows,
        "processing_class": processor,
        "peft_config": lora_config(config),
    }
