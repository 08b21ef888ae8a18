"""A Qwen2.5-VL checkpoint with random weights and a small tokenizer, where training starts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers import models as token_models
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

import models
from models.errors import CheckpointError
from models.training.specimen.grammar import write_corpus
from models.training.specimen.mimetic_init import initialise_mimetic_attention

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""Qwen's special tokens, in the order of their ids here."""

TAGS = ("<think>", "</think>", "<answer>", "</answer>")
"""Tags of a trace; one token each, not removed with special tokens."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen2.5-VL's chat format, without videos and tools."""

MIN_PIXELS, MAX_PIXELS = 56 * 56, 224 * 224
"""Pixel budget of the embedded model: 4 to 64 visual tokens."""

SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "tiny": {
        "text": {
            "hidden_size": 256,
            "intermediate_size": 704,
            "num_hidden_layers": 6,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "mrope_section": [2, 4, 26],
        },
        "vision": {
            "depth": 6,
            "hidden_size": 192,
            "intermediate_size": 576,
            "num_heads": 6,
            "fullatt_block_indexes": [2, 5],
        },
    },
    "mini": {
        "text": {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "mrope_section": [2, 3, 3],
        },
        "vision": {
            "depth": 2,
            "hidden_size": 48,
            "intermediate_size": 96,
            "num_heads": 3,
            "fullatt_block_indexes": [1],
        },
    },
}
"""Network shapes: the embedded model, and a test network of a few 100,000 weights.

Qwen2.5-VL divides the rotary pairs among time, height and width in order of speed. With its own
ratio (16, 24, 24 of 64), the width of a picture rotates by 0.003 radians per token for a head with
32 pairs; such a network named the correct row and guessed the column. From the seventh pair on, it
rotates by 0.18. Text has the same position in all three, so it is not affected.
"""


def write_fresh_checkpoint(folder: Path, *, seed: int = 0, size: str = "tiny") -> Path:
    """Write config, random weights, tokenizer, chat template and processor settings to `folder`.

    The same seed gives the same bytes. Raises CheckpointError if the folder is not empty or the
    size is not in `SIZES`.
    """
    if size not in SIZES:
        message = f"There is no size {size!r}; known are {', '.join(SIZES)}."
        raise CheckpointError(message)
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty; name a new folder."
        raise CheckpointError(message)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer()
    tokenizer.save_pretrained(folder)
    processor_settings().save_pretrained(folder)
    torch.manual_seed(seed)
    network = Qwen2_5_VLForConditionalGeneration(network_config(size, len(tokenizer)))
    initialise_mimetic_attention(network.model.language_model)
    network.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=0, pad_token_id=0, eos_token_id=[2, 0], do_sample=False
    )
    network.save_pretrained(folder)
    return folder


def network_config(size: str, vocabulary: int) -> Qwen2_5_VLConfig:
    """Network configuration in Qwen2.5-VL's terms."""
    text = dict(SIZES[size]["text"])
    rope = {
        "rope_type": "default",
        "rope_theta": 10_000.0,
        "mrope_section": text.pop("mrope_section"),
    }
    return Qwen2_5_VLConfig(
        text_config=text
        | {
            "vocab_size": vocabulary,
            "max_position_embeddings": 4096,
            "rope_parameters": rope,
            "bos_token_id": 0,
            "eos_token_id": 2,
            "pad_token_id": 0,
            "tie_word_embeddings": True,
        },
        vision_config=SIZES[size]["vision"]
        | {"out_hidden_size": text["hidden_size"], "window_size": 112},
        vision_start_token_id=SPECIAL.index("<|vision_start|>"),
        vision_end_token_id=SPECIAL.index("<|vision_end|>"),
        image_token_id=SPECIAL.index("<|image_pad|>"),
        video_token_id=SPECIAL.index("<|video_pad|>"),
        tie_word_embeddings=True,
    )


def processor_settings() -> Qwen2VLImageProcessorPil:
    """Image processor settings with the embedded model's pixel budget."""
    return Qwen2VLImageProcessorPil(min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS)


def train_tokenizer(vocabulary: int = 2048) -> PreTrainedTokenizerFast:
    """Byte-level BPE with the embedded model's words as single tokens and other text in pieces."""
    tokenizer = Tokenizer(token_models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    digits_and_words = Regex(r"\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(digits_and_words, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    tokenizer.add_tokens(list(TAGS))
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="<|endoftext|>",  # noqa: S106 - a token, no password
        eos_token="<|im_end|>",  # noqa: S106
        additional_special_tokens=list(SPECIAL[1:]),
        padding_side="left",
        model_max_length=4096,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def _texts() -> Iterator[str]:
    yield from write_corpus()
    yield CHAT_TEMPLATE
    for source in sorted(Path(models.__file__).parent.glob("*.toml")):
        yield from _strings(tomllib.loads(source.read_text()))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from [value] * 20  # often enough for whole words to be merged
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
