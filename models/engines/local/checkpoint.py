"""Checks of a checkpoint's files before its weights are read; each fault has its own message."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from models.checkpoint_files import check_checkpoint, read_json, weight_files
from models.engines import user_messages
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
        raise CheckpointError(user_messages.checkpoint_quantised(name))
    if text_settings(config).get("use_sliding_window"):
        raise CheckpointError(user_messages.sliding_window(name))
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
            raise CheckpointError(user_messages.weights_damaged(path.name, name)) from error
    return files


def check_fit(processor: PathologyProcessor, config: dict[str, Any], name: str) -> None:
    """Raise CheckpointError if tokenizer or picture settings belong to another network."""
    size: Any = text_settings(config).get("vocab_size", config.get("vocab_size"))
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
        difference = (
            user_messages.other_vocabulary(longest + 1, size)
            if image_token_id == expected_id
            else user_messages.other_image_token(processor.image_token, image_token_id, expected_id)
        )
        raise CheckpointError(user_messages.other_tokenizer(name, difference))
    if not byte_values().keys() <= vocabulary.keys():
        raise CheckpointError(user_messages.tokenizer_not_byte_level(name))
    vision = config.get("vision_config") or {}
    cell = vision.get("patch_size", 14) * vision.get("spatial_merge_size", 2)
    if cell != processor.factor:
        raise CheckpointError(user_messages.other_cell_size(name, processor.factor, cell))


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
