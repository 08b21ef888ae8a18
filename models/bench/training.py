"""Time of a training step in float32 and in mixed precision, and the format chosen here."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models.processing import load_processor
from models.training.specimen.picture_sampler import ItemMix
from models.training.specimen.text_pretraining import TextSampler
from models.training.trainer.encoding import Encoder, collate
from models.training.trainer.run_folder import device, load_network, multiplies_bfloat16


@dataclass(frozen=True)
class PrecisionFigures:
    """Medians of the rounds."""

    float32_s: float
    """Seconds of one forward and backward pass over the batch in float32."""
    bfloat16_s: float
    """The same with matrix products in bfloat16."""
    bfloat16_ratio: float
    """Time in bfloat16 over time in float32."""
    taken_ratio: float
    """Time in the format that training chooses here over that in the faster one."""
    taken: str
    """`float32` or `bfloat16`."""


def measure_precision(location: Path, *, sequences: int, rounds: int) -> PrecisionFigures:
    """Time passes over full traces without pictures, alternating the two formats.

    `location` is a checkpoint with PathViewer's tokenizer. Raises CheckpointError if it is not
    valid.
    """
    network = load_network(location).to(device()).train()
    wording = TextSampler(Encoder(load_processor(location)), ItemMix())
    chance = random.Random("bench training")  # noqa: S311 - no secret
    batch_tensors = collate([wording.draw("traced", chance) for _ in range(sequences)])
    batch = {name: value.to(device()) for name, value in batch_tensors.items()}
    times: dict[bool, list[float]] = {False: [], True: []}
    for half in (False, True) * (rounds + 1):
        times[half].append(time_pass(network, batch, half))
    full, mixed = (statistics.median(times[half_precision][1:]) for half_precision in (False, True))
    dtype_name = "bfloat16" if multiplies_bfloat16() else "float32"
    share = (mixed if dtype_name == "bfloat16" else full) / min(full, mixed)
    return PrecisionFigures(full, mixed, mixed / full, share, dtype_name)


def time_pass(network: Any, batch: dict[str, torch.Tensor], half: bool) -> float:
    """Seconds of one forward and backward pass."""
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "mm_token_type_ids")}
    network.zero_grad(set_to_none=True)
    started = time.perf_counter()
    with torch.autocast(device().type, dtype=torch.bfloat16, enabled=half):
        loss = network(**inputs, labels=batch["labels"]).loss
    loss.backward()
    loss.item()
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started
