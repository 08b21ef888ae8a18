"""Checks whether a folder holds a supported checkpoint, from its small files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models import user_messages
from models.errors import CheckpointError

ARCHITECTURES = ("Qwen2_5_VLForConditionalGeneration", "Qwen2VLForConditionalGeneration")
"""Network classes that the `local` engine runs."""


def check_checkpoint(folder: Path, name: str) -> None:
    """Raise CheckpointError unless `folder` holds a supported safetensors checkpoint.

    `name` denotes it in the message. The weight files are listed, not read.
    """
    config = read_json(folder / "config.json", name)
    architectures = config.get("architectures")
    names = [str(item) for item in architectures] if isinstance(architectures, list) else []
    if not set(names) & set(ARCHITECTURES):
        raise CheckpointError(user_messages.unknown_architecture(name, names))
    needed = weight_files(folder, name)
    missing = [file for file in needed if not (folder / file).is_file()]
    if missing:
        raise CheckpointError(_weights_sentence(folder, name, missing))


def weight_files(folder: Path, name: str) -> list[str]:
    """Names of the weight files, whether or not they exist."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return ["model.safetensors"]
    shards = read_json(index, name).get("weight_map")
    files = sorted(set(map(str, shards.values()))) if isinstance(shards, dict) else []
    if not files or any(Path(file).name != file for file in files):
        raise CheckpointError(user_messages.weights_index_empty(name))
    return files


def read_json(path: Path, name: str) -> dict[str, Any]:
    """Read a JSON object from a checkpoint's folder; raises CheckpointError if it is not one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(user_messages.not_checkpoint(name, path.name)) from error
    except (OSError, ValueError, RecursionError) as error:
        message = user_messages.checkpoint_file_unreadable(name, path.name)
        raise CheckpointError(message) from error
    if not isinstance(value, dict):
        raise CheckpointError(user_messages.checkpoint_file_not_object(name, path.name))
    return value


def _weights_sentence(folder: Path, name: str, missing: list[str]) -> str:
    """Message about what is wrong with the weights in the folder."""
    if any(any(folder.glob(pattern)) for pattern in ("*.bin", "*.pt", "*.pth")):
        return user_messages.weights_pickled(name)
    return user_messages.weights_missing(name, missing)
