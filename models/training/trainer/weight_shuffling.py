"""A checkpoint with shuffled weights: same network, values and sizes, nothing learnt."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def write_shuffled(checkpoint: Path, out: Path, *, seed: int = 0) -> Path:
    """Copy a checkpoint to `out`, shuffling the values of each tensor."""
    out.mkdir(parents=True)
    chance = torch.Generator().manual_seed(seed)
    for path in sorted(checkpoint.iterdir()):
        if path.suffix != ".safetensors":
            if path.is_file():
                shutil.copyfile(path, out / path.name)
            continue
        shuffled = {
            name: tensor.flatten()[torch.randperm(tensor.numel(), generator=chance)]
            .reshape(tensor.shape)
            .contiguous()
            for name, tensor in load_file(path).items()
        }
        save_file(shuffled, out / path.name, metadata={"format": "pt"})
    return out
