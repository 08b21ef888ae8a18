"""Supervised fine-tuning of checkpoints of any size, on items of tiles or a data set of traces.

`finetuning.py` is for the embedded model, which learns vision and language together; this is plain
fine-tuning by TRL's trainer, optionally with adapters.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from models.training.data.licences import check_licences
from models.training.data.trl_rows import require_columns
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

COLUMNS = ("prompt", "completion")


class SftConfig(TrainerConfig):
    """Config of this stage."""

    trainer: Literal["trl"]
    """Selects this stage where `train sft` could also be the embedded model's."""
    batch: int = Field(default=4, ge=1)
    """Sequences per forward and backward pass."""
    accumulate: int = Field(default=1, ge=1)
    """Passes per step."""


class Sft(QuietTrainer, SFTTrainer):
    """TRL's trainer without telemetry and model card."""


def train_sft(config: SftConfig, start: Path, out: Path, *, resume: bool) -> None:
    """Train the checkpoint `start` on completions; the result is in `out/checkpoint`.

    Adapters are merged into the result's weights and also stored in `out/adapters`. Raises
    ModelError for what cannot be trained.
    """
    model = find_start_model(start)
    processor = open_processor(start)
    model = replace(model, budget=limit_pixel_budget(config, processor))
    begin_run(out, "sft", config, start, resume=resume)
    rows = read_rows(config, "train", model, out)
    check_licences(rows)
    require_columns(rows, COLUMNS)
    trainer = Sft(
        model=open_network(config, start),
        args=SFTConfig(
            **trainer_arguments(config, out),
            per_device_train_batch_size=config.batch,
            gradient_accumulation_steps=config.accumulate,
            max_length=None,
            completion_only_loss=True,
        ),
        train_dataset=rows,
        processing_class=processor,
        peft_config=lora_config(config),
    )
    run_trainer(trainer, config, out, resume=resume)
    write_result(trainer, start, out, model)
