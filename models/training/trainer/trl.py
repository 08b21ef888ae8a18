"""Shared parts of the stages over TRL's trainers: settings, figures, checkpoints, LoRA, result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from datasets import Dataset
from peft import LoraConfig
from pydantic import BaseModel, ConfigDict, Field, model_validator
from transformers import PrinterCallback, ProgressCallback, Trainer

from models.errors import ModelError
from models.messages import PixelBudget
from models.processing import PathologyProcessor, image_size, load_processor
from models.registry import RegisteredModel
from models.training.data.tile_augmentation import AugmentationRange
from models.training.data.trl_rows import read_folder_rows, read_tile_rows
from models.training.specimen.picture_sampler import ItemMix
from models.training.trainer.metrics import COMPLETE_MARK, Metrics
from models.training.trainer.run_folder import (
    allow_changes,
    copy_with_weights,
    forget_after,
    load_network,
    multiplies_bfloat16,
)

LANGUAGE_LAYERS = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"
TOWER_LAYERS = r".*visual\.blocks.*\.(qkv|proj|gate_proj|up_proj|down_proj|fc1|fc2)"


class QuietTrainer:
    """Mixin for TRL's trainers: no telemetry and no model card."""

    def _send_telemetry(self) -> None:
        """Send nothing."""

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Write no model card."""


class LoraTable(BaseModel):
    """Low-rank adapters in place of training all weights; merged at the end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(default=16, ge=1)
    """Rank of each adapter."""
    alpha: int = Field(default=32, ge=1)
    """Scale; an adapter is weighted by alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout of an adapter's inputs in training."""


class TrainerConfig(BaseModel):
    """Settings of a run over any of TRL's trainers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: tuple[Path, ...] = ()
    """Data folders with a manifest; alternative to `dataset`."""
    dataset: Path | None = None
    """Folder that `datasets.load_dataset` opens; columns as in docs/post-training.md."""
    split: str | None = None
    """Training split; by default `rl` or `train` for tiles, `train` for a data set."""
    items: int = Field(default=2000, ge=1)
    """Items drawn from tiles."""
    mix: Annotated[dict[str, Any], allow_changes(ItemMix)] = {}
    """Changes to `ItemMix`, for items from tiles."""
    look: Annotated[dict[str, float], allow_changes(AugmentationRange)] | None = None
    """Changes to `AugmentationRange`, for items from tiles; without this table they are not
    augmented.
    """
    max_pixels: int | None = Field(default=None, ge=784)
    """Largest area of a picture after resizing; by default the checkpoint's own."""
    steps: int = Field(ge=1)
    """Optimiser steps."""
    learning_rate: float = Field(gt=0)
    """Highest learning rate, after the warm-up."""
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """Schedule of the learning rate after the warm-up."""
    warmup: int = Field(default=0, ge=0)
    """Steps over which the learning rate rises."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's decay."""
    clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""
    freeze_tower: bool = True
    """Whether the vision tower is frozen."""
    lora: LoraTable | None = None
    """Adapters instead of training all weights."""
    gradient_checkpointing: bool = False
    """Less memory for a third more time."""
    seed: int = 0
    """Seed of items, their order, adapters and rollouts."""
    save_every: int = Field(default=50, ge=1)
    """Steps between checkpoints."""
    note_every: int = Field(default=5, ge=1)
    """Steps between logged figures, which are means over them."""

    @model_validator(mode="after")
    def _one_source(self) -> TrainerConfig:
        if bool(self.data) == bool(self.dataset):
            message = "either data or dataset is needed"
            raise ValueError(message)
        return self


def read_rows(config: TrainerConfig, split: str, model: RegisteredModel, out: Path) -> Dataset:
    """Data set of a run; `split` is the default split of tiles."""
    if config.dataset:
        return read_folder_rows(config.dataset, config.split or "train", model, out / "cache")
    return read_tile_rows(
        config.data,
        config.split or split,
        config.items,
        config.seed,
        model,
        mix=config.mix,
        look=config.look,
    )


def limit_pixel_budget(config: TrainerConfig, processor: PathologyProcessor) -> PixelBudget:
    """Limit the area of pictures after resizing, also in the processor."""
    own = processor.budget
    most = config.max_pixels or own.max_pixels
    budget = PixelBudget(min(own.min_pixels, most), most)
    processor.image_processor.size = image_size(budget)
    return budget


def open_processor(start: Path) -> PathologyProcessor:
    """Processor of the checkpoint, padding on the left as generation requires."""
    processor = load_processor(start)
    processor.tokenizer.padding_side = "left"
    return processor


def open_network(config: TrainerConfig, start: Path) -> Any:
    """Network for training, with the tower frozen if configured.

    With adapters, weights are in bfloat16 on CUDA; without, in float32, because a step of AdamW is
    below the resolution of bfloat16.
    """
    small = config.lora and torch.cuda.is_available()
    network = load_network(start, torch.bfloat16 if small else torch.float32)
    network.model.visual.requires_grad_(not config.freeze_tower)
    return network


def lora_config(config: TrainerConfig) -> LoraConfig | None:
    """Adapters in peft's terms; in the tower only if it is not frozen."""
    if config.lora is None:
        return None
    layers = LANGUAGE_LAYERS if config.freeze_tower else f"{LANGUAGE_LAYERS}|{TOWER_LAYERS}"
    return LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=layers,
        task_type="CAUSAL_LM",
    )


def trainer_arguments(config: TrainerConfig, out: Path) -> dict[str, Any]:
    """Settings shared by all trainers, under transformers' names."""
    cuda = torch.cuda.is_available()
    return {
        "output_dir": str(out),
        "max_steps": config.steps,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": config.warmup,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.clip,
        "activation_checkpointing": config.gradient_checkpointing,
        "seed": config.seed,
        "save_steps": config.save_every,
        "save_total_limit": 2,
        "logging_steps": config.note_every,
        "use_cpu": not cuda,
        "bf16": cuda and multiplies_bfloat16(),
        "dataloader_pin_memory": cuda,
        "report_to": "none",
        "disable_tqdm": True,
    }


def last_checkpoint(out: Path) -> Path | None:
    """Newest complete checkpoint of a run; None if there is none."""
    marked = [path.parent for path in out.glob(f"checkpoint-*/{COMPLETE_MARK}")]
    return max(marked, key=lambda path: int(path.name.split("-")[1]), default=None)


def run_trainer(trainer: Trainer, config: TrainerConfig, out: Path, *, resume: bool) -> None:
    """Train to the last step, from the last checkpoint if resuming."""
    for callback_class in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback_class)
    trainer.add_callback(Metrics(out, config.steps))
    last = last_checkpoint(out) if resume else None
    if resume:
        forget_after(out, int(last.name.split("-")[1]) if last else 0)
    try:
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    except torch.OutOfMemoryError as error:
        message = (
            "The device has too little memory; lower the number of sequences at once or "
            "max_pixels, set gradient_checkpointing, or add a [lora] table."
        )
        raise ModelError(message) from error


def write_result(trainer: Trainer, start: Path, out: Path, model: RegisteredModel) -> None:
    """Write `out/checkpoint`, adapters merged, and the adapters themselves to `out/adapters`."""
    if not trainer.is_world_process_zero():
        return
    network: Any = trainer.accelerator.unwrap_model(trainer.model)
    if hasattr(network, "merge_and_unload"):
        network.save_pretrained(out / "adapters")
        network = network.merge_and_unload()
    copy_with_weights(network, start, out / "checkpoint", model)
