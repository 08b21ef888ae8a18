"""Stage 2, language: the network learns to find words again before it learns to see.

Text alone (`wording.py`). Only the language model is trained; the vision tower is left as it is.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from models.processing import load_processor
from models.training.encoding import Encoder, joined
from models.training.loop import Loop, LoopConfig
from models.training.showing import Mix
from models.training.stages import begin_run, copy_with_weights, device, load_network, start_model
from models.training.tuning import likeliest, loss_of
from models.training.wording import KINDS, Wording


class LanguageConfig(BaseModel):
    """A run of this stage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch: int = Field(default=32, ge=1)
    """Sequences of one batch, all of one kind."""
    kinds: dict[str, Annotated[float, Field(ge=0)]] = Field(min_length=1)
    """Kinds of `wording.KINDS` by how often a batch is of them."""
    traced_after: float = Field(default=0.5, ge=0, le=1)
    """Share of the steps after which whole traces join in; they teach little before."""
    validation: int = Field(default=64, ge=1)
    """Sequences of each kind that the figures are of."""
    loop: LoopConfig
    """How long and how hard."""


def train_language(config: LanguageConfig, start: Path, out: Path, *, resume: bool) -> None:
    """Train the checkpoint `start`; the result is in `out/checkpoint`."""
    started = start_model(start)
    processor = load_processor(start)
    encoder = Encoder(processor)
    begin_run(out, "language", config, start, resume=resume)
    wording = Wording(encoder, processor.tokenizer, replace(Mix(), free_form=0.0))
    torch.manual_seed(config.loop.seed)
    network = load_network(start).to(device())
    network.model.visual.requires_grad_(False)
    loop = Loop(network, config.loop, out)
    if resume:
        loop.resume()
    loop.run(
        lambda step, number: _batch(wording, config, step, number),
        lambda batch: loss_of(network, batch, 1.0),
        lambda: _right(network, wording, config),
    )
    asked = replace(encoder.model, licence=started.licence, train_allowed=started.train_allowed)
    with loop.averaged():
        copy_with_weights(network, start, out / "checkpoint", asked)


def _batch(wording: Wording, config: LanguageConfig, step: int, number: int) -> dict[str, Tensor]:
    """One batch of one kind."""
    chance = random.Random(f"{config.loop.seed} {step} {number}")  # noqa: S311 - no secret
    late = step >= config.traced_after * config.loop.steps
    kinds = {kind: share for kind, share in config.kinds.items() if late or kind != "traced"}
    kind = chance.choices(list(kinds), list(kinds.values()))[0]
    return joined([wording.draw(kind, chance) for _ in range(config.batch)])


def _right(network: torch.nn.Module, wording: Wording, config: LanguageConfig) -> dict[str, float]:
    """By kind the share of learnt tokens that are likeliest, the words before them given."""
    figures = {}
    for kind in KINDS:
        chance = random.Random(f"validation {kind}")  # noqa: S311 - no secret
        batch = joined([wording.draw(kind, chance) for _ in range(config.validation)])
        figures[kind] = likeliest(network, batch).mean().item()
    return figures
