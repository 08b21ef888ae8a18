"""Stages 2 and 3, align and sft: the network learns to say what the tower sees.

Both show pictures with questions and the words that are right; they differ in the share of whole
traces. In alignment every answer is a handful of words that the picture decides, for a network
from nothing learns text long before it learns to look; in SFT most are traces, some stay short.
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

from models.capture import watch, watching
from models.processing import load_processor
from models.training.data.items import Item, make_items, render
from models.training.data.tile_augmentation import Look
from models.training.data.tiles import read_tiles
from models.training.specimen.attention_supervision import PictureGaze, pointing_loss
from models.training.specimen.augmentation import new_look
from models.training.specimen.picture_sampler import Mix
from models.training.specimen.text_pretraining import KINDS, Wording
from models.training.trainer.encoding import Encoded, Encoder, joined
from models.training.trainer.loop import Loop, LoopConfig
from models.training.trainer.run_folder import (
    begin_run,
    changes_of,
    copy_with_weights,
    device,
    load_network,
    mixed_precision,
    start_model,
)
from models.training.trainer.stage_config import StageConfig


class TuningConfig(StageConfig):
    """A run of one of these stages."""

    data: tuple[Path, ...]
    """Data folders with a manifest."""
    split: Literal["train", "rl"] = "train"
    """Split that items are drawn from; `rl` for a control of reinforcement learning."""
    items: int = Field(default=4000, ge=8)
    """Items drawn from it; each is seen in many looks."""
    validation_items: int = Field(default=160, ge=8)
    """Items of the validation split that the figures are of."""
    batch: int = Field(default=8, ge=1)
    """Sequences of one batch."""
    wordings: int = Field(default=0, ge=0)
    """Batches of a step that are text alone (`wording.py`), four times as large as the others."""
    kinds: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=lambda: {"repeated": 0.4, "tagged": 0.4, "listed": 0.2}, min_length=1
    )
    """Kinds of `wording.KINDS` by how often such a batch is of them."""
    traces: float = Field(ge=0, le=1)
    """Share of sequences that are whole traces; the others are short answers."""
    decided_weight: float = Field(default=3.0, ge=1)
    """Weight of a token that the picture decides, beside 1 of all others."""
    pointing: float = Field(default=0.0, ge=0)
    """Weight of the attention's own loss (`pointing.py`), beside 1 of the words."""
    tower_rate: float = Field(default=0.0, ge=0, le=1)
    """Learning rate of the vision tower as a share of the network's; 0 freezes it."""
    look: Annotated[dict[str, float], changes_of(Look)] = Field(default_factory=dict)
    """Changes to `augment.Look`."""
    mix: Annotated[dict[str, Any], changes_of(Mix)] = Field(default_factory=dict)
    """Changes to `showing.Mix`."""
    loop: LoopConfig
    """How long and how hard."""


@dataclass(frozen=True)
class Shown:
    """An item with its picture."""

    item: Item
    """The question."""
    rgb: NDArray[np.uint8]
    """(224, 224, 3)."""


def draw_items(config: TuningConfig, split: str, count: int) -> list[Shown]:
    """Items of a split, rendered; those that are trained on show parts of tiles too."""
    tiles = [tile for folder in config.data for tile in read_tiles(folder)]
    made = make_items(
        tiles,
        split,
        count=count,
        seed=config.loop.seed,
        mix=Mix(**config.mix),
        vary=split == config.split,
    )
    return [Shown(item, render(item)) for item in tqdm(made, split, count, mininterval=5)]


class ItemSource:
    """Draws batches of sequences from items."""

    def __init__(self, shown: Sequence[Shown], config: TuningConfig, encoder: Encoder) -> None:
        self._shown = shown
        self._config = config
        self._encoder = encoder
        self._look = Look(**config.look)
        self._wording = Wording(encoder, Mix(**config.mix))

    def batch(self, step: int, number: int) -> dict[str, Tensor]:
        """One batch of a step, each picture in a new look."""
        if number < self._config.wordings:
            return self._text(step, number)
        draw = np.random.default_rng([self._config.loop.seed, step, number])
        chosen = draw.integers(len(self._shown), size=self._config.batch)
        return joined([self._encoded(self._shown[int(index)], draw) for index in chosen])

    def _text(self, step: int, number: int) -> dict[str, Tensor]:
        chance = random.Random(f"{self._config.loop.seed} {step} {number}")  # noqa: S311
        kinds = self._config.kinds
        kind = chance.choices(list(kinds), list(kinds.values()))[0]
        return joined([self._wording.draw(kind, chance) for _ in range(4 * self._config.batch)])

    def _encoded(self, shown: Shown, draw: np.random.Generator) -> Encoded:
        picture = Image.fromarray(new_look(shown.item, shown.rgb, self._look, draw))
        if draw.random() < 0.25:
            side = int(draw.choice([168, 196]))
            picture = picture.resize((side, side), Image.Resampling.BICUBIC)
        if draw.random() < self._config.traces:
            measured = shown.rgb if self._config.pointing else None
            return self._encoder.trace(shown.item, picture, measured)
        return self._encoder.short(shown.item, picture)


def loss_of(
    network: Any, batch: Mapping[str, Tensor], weight: float, pointing: float = 0.0
) -> tuple[Tensor, dict[str, float]]:
    """Weighted cross-entropy of the completions' tokens; and how many of them are likeliest.

    With `pointing` that of the attention is added; the network must be watched (`capture.watch`).
    """
    inputs, batch = _on_device(batch)
    gaze = None
    if pointing and "points" in batch:
        gaze = PictureGaze(batch["points"], inputs["mm_token_type_ids"] == 1)
    with mixed_precision(), watching(gaze):
        logits = network(**inputs).logits[:, :-1].float()
    labels, decided = batch["labels"][:, 1:], batch["decided"][:, 1:]
    kept = labels != -100
    losses = functional.cross_entropy(logits[kept], labels[kept], reduction="none")
    weights = 1.0 + (weight - 1.0) * decided[kept].float()
    right = (logits[kept].argmax(-1) == labels[kept]).float()
    chosen = decided[kept]
    figures = {"right": right.mean().item(), "decided_right": right[chosen].mean().item()}
    loss = (losses * weights).sum() / weights.sum()
    if gaze is None:
        return loss, figures
    aside, figures["pointed"] = pointing_loss(gaze.rows(), batch["aims"])
    return loss + pointing * aside, figures


def evaluate(
    network: Any,
    shown: Sequence[Shown],
    encoder: Encoder,
    traces: bool,
) -> dict[str, float]:
    """Share of decided tokens that are likeliest, the words before them given; by question type."""
    totals: dict[str, list[float]] = {}
    for start in range(0, len(shown), 8):
        part = shown[start : start + 8]
        made = [
            (encoder.trace if traces else encoder.short)(each.item, Image.fromarray(each.rgb))
            for each in part
        ]
        inputs, batch = _on_device(joined(made))
        guesses = network(**inputs).logits[:, :-1].argmax(-1)
        for row, each in enumerate(part):
            chosen = batch["decided"][row, 1:]
            right = (guesses[row] == batch["labels"][row, 1:])[chosen].float()
            totals.setdefault(each.item.question_type, []).append(right.mean().item())
            totals.setdefault("last", []).append(right[-1].item())
    return {name: float(np.nanmean(values)) for name, values in sorted(totals.items())}


def evaluate_reading(network: Any, encoder: Encoder, mix: Mix) -> dict[str, float]:
    """By kind of text, the share of learnt tokens that are likeliest."""
    wording, figures = Wording(encoder, mix), {}
    for kind in KINDS:
        chance = random.Random(f"validation {kind}")  # noqa: S311 - no secret
        batch = joined([wording.draw(kind, chance) for _ in range(64)])
        figures[kind] = _likeliest(network, batch).mean().item()
    return figures


def _likeliest(network: Any, batch: Mapping[str, Tensor]) -> Tensor:
    """For each learnt token of a batch whether it is the likeliest; (learnt tokens,) 0 or 1."""
    inputs, batch = _on_device(batch)
    guesses = network(**inputs).logits[:, :-1].argmax(-1)
    labels = batch["labels"][:, 1:]
    right: Tensor = (guesses == labels)[labels != -100].float()
    return right


def _on_device(batch: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What the network takes of a batch, and what it is compared with."""
    moved = {name: value.to(device()) for name, value in batch.items()}
    names = ("labels", "decided", "points", "aims")
    targets = {name: moved.pop(name) for name in names if name in moved}
    return moved, targets


def train_tuning(config: TuningConfig, start: Path, out: Path, *, resume: bool) -> None:
    """Train the checkpoint `start`; the result is in `out/checkpoint`."""
    started = start_model(start)
    encoder = Encoder(load_processor(start))
    begin_run(out, "tuning", config, start, resume=resume)
    source = ItemSource(draw_items(config, config.split, config.items), config, encoder)
    validation = draw_items(config, "validation", config.validation_items)
    torch.manual_seed(config.loop.seed)
    network = load_network(start).to(device())
    if config.pointing:
        watch(network, "sdpa")
    if not config.tower_rate:
        network.model.visual.requires_grad_(False)
    loop = Loop(network, config.loop, out, slow={"model.visual.": config.tower_rate})
    if resume:
        loop.resume()
    loop.run(
        source.batch,
        lambda batch: loss_of(network, batch, config.decided_weight, config.pointing),
        lambda: (
            evaluate(network, validation, encoder, config.traces > 0)
            | (evaluate_reading(network, encoder, Mix(**config.mix)) if config.wordings else {})
        ),
    )
    asked = replace(encoder.model, licence=started.licence, train_allowed=started.train_allowed)
    with loop.averaged():
        copy_with_weights(network, start, out / "checkpoint", asked)
