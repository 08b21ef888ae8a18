"""Qwen2.5-VL networks with random weights, and prompts for them, for timing and memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from models.processing import PreparedPrompt

IMAGE, VIDEO, VISION_START, VISION_END, PAD = 5, 6, 3, 4, 0
"""Special token ids of these networks; ids from 8 on are text."""

Shape = dict[str, dict[str, Any]]

TINY: Shape = {
    "text": {
        "hidden_size": 256,
        "intermediate_size": 704,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 2048,
        "mrope_section": [8, 12, 12],
    },
    "vision": {
        "depth": 6,
        "hidden_size": 192,
        "intermediate_size": 576,
        "num_heads": 6,
        "fullatt_block_indexes": [2, 5],
    },
}
"""Shape of the embedded model."""

SMALL: Shape = {
    "text": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 160,
        "mrope_section": [2, 3, 3],
    },
    "vision": {
        "depth": 1,
        "hidden_size": 48,
        "intermediate_size": 64,
        "num_heads": 3,
        "fullatt_block_indexes": [0],
    },
}
"""Shape for tests."""

HEADS_OF_7B: Shape = SMALL | {
    "text": SMALL["text"]
    | {
        "hidden_size": 28 * 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "mrope_section": [16, 24, 24],
    },
}
"""Two layers with the heads of Qwen2.5-VL-7B."""

SEVEN_B: Shape = {
    "text": {
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152_064,
        "mrope_section": [16, 24, 24],
    },
    "vision": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
}
"""Qwen2.5-VL-7B."""

SHAPES = {"tiny": TINY, "small": SMALL, "heads-of-7b": HEADS_OF_7B, "7b": SEVEN_B}


def random_network(
    shape: Shape, *, device: str = "cpu", dtype: torch.dtype = torch.float32, seed: int = 0
) -> Any:
    """Random network with large weights, so that attention is far from even.

    No token ends its completions.
    """
    text = dict(shape["text"])
    rope = {"rope_type": "default", "rope_theta": 10_000.0}
    rope["mrope_section"] = text.pop("mrope_section")
    config = Qwen2_5_VLConfig(
        text_config=text
        | {
            "max_position_embeddings": 32_768,
            "bos_token_id": None,
            "eos_token_id": None,
            "rope_parameters": rope,
            "initializer_range": 1.5 / text["hidden_size"] ** 0.5,
        },
        vision_config=shape["vision"] | {"out_hidden_size": text["hidden_size"]},
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
    )
    torch.manual_seed(seed)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            network: Any = Qwen2_5_VLForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(before)
    network.eval().requires_grad_(False)
    network.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        pad_token_id=PAD
    )
    return network


def random_prompt(
    network: Any, grids: Sequence[tuple[int, int]], text_tokens: int, *, seed: int = 0
) -> PreparedPrompt:
    """Prompt with pictures of (rows, columns) token cells, then `text_tokens` of text."""
    random = torch.Generator().manual_seed(seed)
    vocabulary = network.config.text_config.vocab_size
    ids = torch.randint(8, vocabulary, (3,), generator=random).tolist()
    for rows, columns in grids:
        ids += [VISION_START, *[IMAGE] * (rows * columns), VISION_END]
    ids += torch.randint(8, vocabulary, (text_tokens,), generator=random).tolist()
    tokens = torch.tensor([ids])
    patches = 4 * sum(rows * columns for rows, columns in grids)
    tensors = {
        "input_ids": tokens,
        "attention_mask": torch.ones_like(tokens),
        "mm_token_type_ids": (tokens == IMAGE).long(),
        "pixel_values": torch.randn(patches, 3 * 2 * 14 * 14, generator=random),
        "image_grid_thw": torch.tensor([[1, 2 * rows, 2 * columns] for rows, columns in grids]),
    }
    return PreparedPrompt(tensors, ()).to(network.device)
