"""Stages 2 and 3, align and sft: the network learns to describe what the tower sees.

Both train on pictures with questions and correct words, with different shares of full traces. In
alignment, every answer is a few words that depend on the picture, because an untrained network
learns text long before vision; in SFT, most are traces and some stay short.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from models.capture import capture_into, install_capture
from models.processing import load_processor
from models.training.data.items import TrainingItem, make_items, render_item
from models.training.data.tile_augmentation import AugmentationRange
from models.training.data.tiles import read_tiles
from models.training.specimen.attention_supervision import PictureAttention, pointing_loss
from models.training.specimen.augmentation import augment_item
from models.training.specimen.picture_sampler import ItemMix
from models.training.specimen.text_pretraining import KINDS, TextSampler
from models.training.trainer.encoding import Encoder, TrainingSequence, collate
from models.training.trainer.loop import LoopConfig, TrainingLoop
from models.training.trainer.run_folder import (
    allow_changes,
    begin_run,
    copy_with_weights,
    device,
    find_start_model,
    load_network,
    mixed_precision,
)
from models.training.trainer.stage_config import StageConfig


class TuningConfig(StageConfig):
    """Config of one of these stages."""

    data: tuple[Path, ...]
    """Data folders with a manifest."""
    split: Literal["train", "rl"] = "train"
    """Split to draw items from; `rl` for a control of reinforcement learning."""
    items: int = Field(default=4000, ge=8)
    """Items drawn from it; each is augmented many times."""
    validation_items: int = Field(default=160, ge=8)
    """Items of the validation split for the figures."""
    batch: int = Field(default=8, ge=1)
    """Sequences per batch."""
    wordings: int = Field(default=0, ge=0)
    """Text-only batches per step (`text_pretraining.py`), four times as large as the others."""
    kinds: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=lambda: {"repeated": 0.4, "tagged": 0.4, "listed": 0.2}, min_length=1
    )
    """Frequencies of `text_pretraining.KINDS` in such a batch."""
    traces: float = Field(ge=0, le=1)
    """Share of sequences with full traces; the others have short answers."""
    decided_weight: float = Field(default=3.0, ge=1)
    """Weight of a token that depends on the picture, relative to the others."""
    pointing: float = Field(default=0.0, ge=0)
    """Weight of the attention loss (`attention_supervision.py`), relative to that of the words."""
    tower_rate: float = Field(default=0.0, ge=0, le=1)
    """Learning rate of the vision tower as a share of the network's; 0 freezes it."""
    look: Annotated[dict[str, float], allow_changes(AugmentationRange)] = Field(
        default_factory=dict
    )
    """Changes to `AugmentationRange`."""
    mix: Annotated[dict[str, Any], allow_changes(ItemMix)] = Field(default_factory=dict)
    """Changes to `ItemMix`."""
    loop: LoopConfig
    """Settings of the training loop."""


@dataclass(frozen=True)
class RenderedItem:
    """An item with its pixels."""

    item: TrainingItem
    """The question."""
    rgb: NDArray[np.uint8]
    """(224, 224, 3)."""


def render_items(config: TuningConfig, split: str, count: int) -> list[RenderedItem]:
    """Rendered items of a split; those for training also show parts of tiles."""
    tiles = [tile for folder in config.data for tile in read_tiles(folder)]
    items = make_items(
        tiles,
        split,
        count=count,
        seed=config.loop.seed,
        mix=ItemMix(**config.mix),
        vary=split == config.split,
    )
    return [
        RenderedItem(item, render_item(item)) for item in tqdm(items, split, count, mininterval=5)
    ]


class ItemSource:
    """Draws batches of sequences from items."""

    def __init__(
        self, items: Sequence[RenderedItem], config: TuningConfig, encoder: Encoder
    ) -> None:
        self._shown = items
        self._config = config
        self._encoder = encoder
        self._look = AugmentationRange(**config.look)
        self._wording = TextSampler(encoder, ItemMix(**config.mix))

    def batch(self, step: int, number: int) -> dict[str, Tensor]:
        """A batch of a step, each picture newly augmented."""
        if number < self._config.wordings:
            return self._text(step, number)
        draw = np.random.default_rng([self._config.loop.seed, step, number])
        chosen = draw.integers(len(self._shown), size=self._config.batch)
        return collate([self._encoded(self._shown[int(index)], draw) for index in chosen])

    def _text(self, step: int, number: int) -> dict[str, Tensor]:
        chance = random.Random(f"{self._config.loop.seed} {step} {number}")  # noqa: S311
        kinds = self._config.kinds
        kind = chance.choices(list(kinds), list(kinds.values()))[0]
        return collate([self._wording.draw(kind, chance) for _ in range(4 * self._config.batch)])

    def _encoded(self, rendered: RenderedItem, draw: np.random.Generator) -> TrainingSequence:
        picture = Image.fromarray(augment_item(rendered.item, rendered.rgb, self._look, draw))
        if draw.random() < 0.25:
            side = int(draw.choice([168, 196]))
            picture = picture.resize((side, side), Image.Resampling.BICUBIC)
        if draw.random() < self._config.traces:
            measured = rendered.rgb if self._config.pointing else None
            return self._encoder.encode_trace(rendered.item, picture, measured)
        return self._encoder.encode_short(rendered.item, picture)


def compute_loss(
    network: Any, batch: Mapping[str, Tensor], weight: float, pointing: float = 0.0
) -> tuple[Tensor, dict[str, float]]:
    """Weighted cross-entropy of the completions' tokens, and the share predicted correctly.

    With `pointing`, the attention loss is added; the network needs `capture.install_capture`.
    """
    inputs, batch = _on_device(batch)
    gaze = None
    if pointing and "points" in batch:
        gaze = PictureAttention(batch["points"], inputs["mm_token_type_ids"] == 1)
    with mixed_precision(), capture_into(gaze):
        logits = network(**inputs).logits[:, :-1].float()
    labels, decided = batch["labels"][:, 1:], batch["decided"][:, 1:]
    learnt_mask = labels != -100
    losses = functional.cross_entropy(logits[learnt_mask], labels[learnt_mask], reduction="none")
    weights = 1.0 + (weight - 1.0) * decided[learnt_mask].float()
    right = (logits[learnt_mask].argmax(-1) == labels[learnt_mask]).float()
    chosen = decided[learnt_mask]
    figures = {"right": right.mean().item(), "decided_right": right[chosen].mean().item()}
    loss = (losses * weights).sum() / weights.sum()
    if gaze is None:
        return loss, figures
    aside, figures["pointed"] = pointing_loss(gaze.rows(), batch["aims"])
    return loss + pointing * aside, figures


def evaluate(
    network: Any,
    items: Sequence[RenderedItem],
    encoder: Encoder,
    traces: bool,
) -> dict[str, float]:
    """Accuracy on picture-dependent tokens with teacher forcing, by question type."""
    totals: dict[str, list[float]] = {}
    for start in range(0, len(items), 8):
        part = items[start : start + 8]
        sequences = [
            (encoder.encode_trace if traces else encoder.encode_short)(
                each.item, Image.fromarray(each.rgb)
            )
            for each in part
        ]
        inputs, batch = _on_device(collate(sequences))
        guesses = network(**inputs).logits[:, :-1].argmax(-1)
        for row, rendered in enumerate(part):
            chosen = batch["decided"][row, 1:]
            right = (guesses[row] == batch["labels"][row, 1:])[chosen].float()
            totals.setdefault(rendered.item.question_type, []).append(right.mean().item())
            totals.setdefault("last", []).append(right[-1].item())
    return {name: float(np.nanmean(values)) for name, values in sorted(totals.items())}


def evaluate_text(network: Any, encoder: Encoder, mix: ItemMix) -> dict[str, float]:
    """By kind of text, the share of learnt tokens predicted correctly."""
    wording, figures = TextSampler(encoder, mix), {}
    for kind in KINDS:
        chance = random.Random(f"validation {kind}")  # noqa: S311 - no secret
        batch = collate([wording.draw(kind, chance) for _ in range(64)])
        figures[kind] = _likeliest(network, batch).mean().item()
    return figures


def _likeliest(network: Any, batch: Mapping[str, Tensor]) -> Tensor:
    """(learnt tokens,): 1 for each learnt token predicted correctly, else 0."""
    inputs, batch = _on_device(batch)
    guesses = network(**inputs).logits[:, :-1].argmax(-1)
    labels = batch["labels"][:, 1:]
    right: Tensor = (guesses == labels)[labels != -100].float()
    return right


def _on_device(batch: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A batch's network inputs and targets, on the device."""
    moved = {name: value.to(device()) for name, value in batch.items()}
    names = ("labels", "decided", "points", "aims")
    targets = {name: moved.pop(name) for name in names if name in moved}
    return moved, targets


def train_tuning(config: TuningConfig, start: Path, out: Path, *, resume: bool) -> None:
    """Train the checkpoint `start`; the result is in `out/checkpoint`."""
    started = find_start_model(start)
    encoder = Encoder(load_processor(start))
    begin_run(out, "tuning", config, start, resume=resume)
    source = ItemSource(render_items(config, config.split, config.items), config, encoder)
    validation = render_items(config, "validation", config.validation_items)
    torch.manual_seed(config.loop.seed)
    network = load_network(start).to(device())
    if config.pointing:
        install_capture(network, "sdpa")
    if not config.tower_rate:
        network.model.visual.requires_grad_(False)
    loop = TrainingLoop(network, config.loop, out, slow={"model.visual.": config.tower_rate})
    if resume:
        loop.resume()
    loop.run(
        source.batch,
        lambda batch: compute_loss(network, batch, config.decided_weight, config.pointing),
        lambda: (
            evaluate(network, validation, encoder, config.traces > 0)
            | (evaluate_text(network, encoder, ItemMix(**config.mix)) if config.wordings else {})
        ),
    )
    model = replace(encoder.model, licence=started.licence, train_allowed=started.train_allowed)
    with loop.use_averaged_weights():
        copy_with_weights(network, start, out / "checkpoint", model)
