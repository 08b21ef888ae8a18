"""Checks of a checkpoint's files before its weights are read; each fault has its own message."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from models.checkpoint_files import check_checkpoint, read_json, weight_files
from models.engines.local.token_text import byte_values
from models.errors import CheckpointError
from models.processing import PathologyProcessor

SAMPLES, SAMPLE_BYTES = 64, 2**16
"""Number and size in bytes of the blocks of a weights file that enter its revision, besides header
and size.
"""
VOCABULARY_PADDING = 512
"""Rows, or a hundredth if that is more, by which a network may exceed its tokenizer.

Qwen pads its networks to a round number, by at most 399 rows.
"""


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """Read config.json of a supported checkpoint; raises CheckpointError otherwise."""
    check_checkpoint(folder, name)
    config = read_json(folder / "config.json", name)
    if config.get("quantization_config"):
        message = f"“{name}” is quantised, which is not supported; use its bfloat16 weights."
        raise CheckpointError(message)
    if text_settings(config).get("use_sliding_window"):
        message = f"“{name}” has sliding-window attention, whose maps would be wrong; use another."
        raise CheckpointError(message)
    return config


def text_settings(config: dict[str, Any]) -> dict[str, Any]:
    """Settings of the language layers, which older checkpoints do not separate."""
    settings = config.get("text_config")
    return settings if isinstance(settings, dict) else config


def check_weights(folder: Path, name: str) -> list[Path]:
    """The checkpoint's safetensors files, after checking each one's header and length.

    Raises CheckpointError if one is truncated or damaged.
    """
    files = [folder / file for file in weight_files(folder, name)]
    for path in files:
        try:
            with safe_open(path, framework="pt"):
                pass
        except (SafetensorError, OSError) as error:
            message = f"{path.name} of “{name}” is cut off or damaged; copy the checkpoint again."
            raise CheckpointError(message) from error
    return files


def check_fit(processor: PathologyProcessor, config: dict[str, Any], name: str) -> None:
    """Raise CheckpointError if tokenizer or picture settings belong to another network."""
    size = text_settings(config).get("vocab_size", config.get("vocab_size"))
    vocabulary = processor.tokenizer.get_vocab()
    expected_id, image_token_id = (
        config.get("image_token_id"),
        vocabulary.get(processor.image_token),
    )
    longest = max(vocabulary.values(), default=0)
    if expected_id is None:  # transformers' default
        expected_id = 151_655
    strange = size is not None and not 0 < size - longest <= max(VOCABULARY_PADDING, size // 100)
    if image_token_id != expected_id or strange:
        differs = (
            f"its {processor.image_token} is {image_token_id} where the network has {expected_id}"
        )
        if image_token_id == expected_id:
            differs = f"it has {longest + 1:,} tokens where the network has {size:,}"
        message = (
            f"The tokenizer beside “{name}” belongs to another model: {differs}. "
            "Copy the tokenizer that came with the weights."
        )
        raise CheckpointError(message)
    if not byte_values().keys() <= vocabulary.keys():
        message = (
            f"The tokenizer beside “{name}” is not byte-level BPE, as Qwen's is; copy its own."
        )
        raise CheckpointError(message)
    vision = config.get("vision_config") or {}
    cell = vision.get("patch_size", 14) * vision.get("spatial_merge_size", 2)
    if cell != processor.factor:
        message = (
            f"The picture settings beside “{name}” make cells of {processor.factor} px where the "
            f"network has {cell} px; copy the preprocessor_config.json that came with it."
        )
        raise CheckpointError(message)


def revision(folder: Path, files: Sequence[Path]) -> str:
    """The hub's commit, or SHA-256 over the weights' headers, sizes and samples.

    Checkpoints of one training share headers and sizes, so `SAMPLES` blocks spread over each file
    are read too; files of up to 4 MiB are read completely.
    """
    if re.fullmatch("[0-9a-f]{40}", folder.name):
        return folder.name
    digest = hashlib.sha256()
    for path in files:
        size = path.stat().st_size
        digest.update(size.to_bytes(8, "little"))
        with path.open("rb") as file:
            digest.update(header := file.read(8))
            digest.update(file.read(int.from_bytes(header, "little")))
            for number in range(SAMPLES):
                file.seek(max(number * SAMPLE_BYTES, number * size // SAMPLES))
                digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
