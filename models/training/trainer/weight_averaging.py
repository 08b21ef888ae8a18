"""Weight averaging of checkpoints from one training.

Checkpoints that continue each other, or that share a start, can be averaged; the mean is often
better than each (Wortsman et al., Model soups, ICML 2022).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.errors import CheckpointError

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


def write_average(checkpoints: Sequence[Path], out: Path, *, small: bool = False) -> Path:
    """Write the mean of checkpoints to `out`, everything else as in the last; `small` in bfloat16.

    Raises CheckpointError if `out` is not empty, or if the checkpoints differ in shape or are split
    into several files.
    """
    if out.exists() and any(out.iterdir()):
        message = f"{out} is not empty; name a new folder."
        raise CheckpointError(message)
    weights = [_weights(folder) for folder in checkpoints]
    shapes = [
        {name: tensor.shape for name, tensor in checkpoint_weights.items()}
        for checkpoint_weights in weights
    ]
    for folder, own in zip(checkpoints, shapes, strict=True):
        if own != shapes[0]:
            message = f"“{folder.name}” and “{checkpoints[0].name}” differ in shape."
            raise CheckpointError(message)
    shutil.copytree(checkpoints[-1], out, dirs_exist_ok=True)
    kind = torch.bfloat16 if small else torch.float32
    mean = {
        name: torch.stack([each[name].float() for each in weights]).mean(0).to(kind)
        for name in weights[0]
    }
    save_file(mean, out / WEIGHTS, metadata={"format": "pt"})
    (out / WEIGHTS).chmod(0o644)
    config = json.loads((out / CONFIG).read_text(encoding="utf-8"))
    config["dtype"] = "bfloat16" if small else "float32"
    (out / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return out


def _weights(folder: Path) -> dict[str, Tensor]:
    path = folder / WEIGHTS
    if not path.is_file():
        message = f"“{folder.name}” has no {WEIGHTS}, complete and in one file."
        raise CheckpointError(message)
    tensors: dict[str, Tensor] = load_file(path)
    return tensors
