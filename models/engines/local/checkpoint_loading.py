"""Loading a network from a checkpoint's folder; each fault has its own message."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    GenerationConfig,
    PreTrainedModel,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLForConditionalGeneration,
)

from models.capture import install_capture
from models.engines import user_messages
from models.engines.local.checkpoint import check_fit, check_weights, read_config, revision
from models.engines.local.memory import convert_memory_errors
from models.engines.local.prompt_cache import PromptCache
from models.engines.local.token_text import TokenBytes
from models.errors import CheckpointError
from models.messages import ModelInfo, PixelBudget
from models.processing import PathologyProcessor, load_processor

NETWORKS: dict[str, type[PreTrainedModel]] = {
    "qwen2_5_vl": Qwen2_5_VLForConditionalGeneration,
    "qwen2_vl": Qwen2VLForConditionalGeneration,
}
"""Supported network classes by the `model_type` of config.json."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class LoadedModel:
    """A loaded network with everything that generation needs."""

    network: Any
    """The network, on its device, with capture in its language layers."""
    processor: PathologyProcessor
    """Tokenizer and picture settings."""
    token_bytes: TokenBytes
    """Bytes of each token."""
    info: ModelInfo
    """Description of the model."""
    device: torch.device
    """Device of the network."""
    end_ids: frozenset[int]
    """Tokens that end a completion."""
    pad_id: int
    """Padding token."""
    cache: PromptCache = field(default_factory=PromptCache)
    """Cache of recent prompts."""


def load_model(
    folder: Path,
    name: str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    budget: PixelBudget | None = None,
) -> LoadedModel:
    """Load the checkpoint in `folder`, called `name` in messages.

    By default, the device is CUDA if available, the dtype bfloat16 on CUDA and float32 on a CPU,
    and the budget the checkpoint's own. Raises CheckpointError, and OutOfMemoryError if the weights
    do not fit.
    """
    config = read_config(folder, name)
    files = check_weights(folder, name)
    processor = load_processor(folder, name)
    check_fit(processor, config, name)
    place = choose_device(device)
    number = choose_dtype(place, dtype)
    kernel = choose_kernel(place, number)
    with convert_memory_errors(f"Loading “{name}”"):
        network = load_network(folder, name, config["model_type"], number, kernel)
        network.to(place)
    ends, pad = end_tokens(network, processor)
    network.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        eos_token_id=sorted(ends), pad_token_id=pad
    )
    text = network.config.text_config
    info = ModelInfo(
        name=name,
        revision=revision(folder, files),
        architecture=type(network).__name__,
        parameters=sum(weights.numel() for weights in network.parameters()),
        device=device_name(place),
        dtype=str(number).removeprefix("torch."),
        attention=kernel,
        context=int(text.max_position_embeddings),
        budget=budget or processor.budget,
        layers=int(text.num_hidden_layers),
        versions=library_versions(),
    )
    return LoadedModel(
        network, processor, TokenBytes(processor.tokenizer), info, place, frozenset(ends), pad
    )


def load_network(folder: Path, name: str, model_type: str, dtype: torch.dtype, kernel: str) -> Any:
    """Load a network for inference; raises CheckpointError if weights do not match."""
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        kind: Any = NETWORKS[model_type]
        network, report = kind.from_pretrained(
            folder,
            dtype=dtype,
            attn_implementation=kernel,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except (RuntimeError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise CheckpointError(user_messages.weights_unfit(name)) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise CheckpointError(user_messages.weights_incomplete(name, len(missing), missing[0]))
    network.eval().requires_grad_(False)
    install_capture(network, kernel)
    return network


def choose_device(name: str | None) -> torch.device:
    """The requested device, or CUDA if available, or the CPU."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(name)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise CheckpointError(user_messages.no_device(name)) from error
    return place


def device_name(device: torch.device) -> str:
    """Name of the device for users."""
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type


def choose_dtype(device: torch.device, name: str | None) -> torch.dtype:
    """The requested dtype, or bfloat16 on CUDA and float32 elsewhere.

    NVIDIA GPUs before Ampere only emulate bfloat16, so they get float16.
    """
    if name is None and device.type != "cuda":
        return torch.float32
    if name is None:
        return torch.bfloat16 if is_ampere(device) else torch.float16
    if name not in DTYPES:
        raise CheckpointError(user_messages.unknown_dtype(name, DTYPES))
    return DTYPES[name]


def is_ampere(device: torch.device) -> bool:
    """Whether a CUDA device is NVIDIA Ampere or newer."""
    return torch.cuda.get_device_capability(device) >= (8, 0)


def choose_kernel(device: torch.device, dtype: torch.dtype) -> str:
    """FlashAttention-2 where it can run, otherwise PyTorch's own attention."""
    if device.type != "cuda" or dtype == torch.float32 or not is_ampere(device):
        return "sdpa"
    installed = importlib.util.find_spec("flash_attn") is not None
    return "flash_attention_2" if installed else "sdpa"


def end_tokens(network: Any, processor: PathologyProcessor) -> tuple[set[int], int]:
    """End tokens and padding token from the checkpoint's settings."""
    named = network.generation_config.eos_token_id
    configured_ids: Sequence[int | None] = named if isinstance(named, list) else [named]
    tokenizer_id = processor.tokenizer.eos_token_id
    ends = {int(token) for token in (*configured_ids, tokenizer_id) if token is not None}
    pad = processor.tokenizer.pad_token_id
    return ends, int(pad if pad is not None else min(ends, default=0))


def library_versions() -> dict[str, str]:
    """Versions of the libraries that affect a completion."""
    names = ("torch", "transformers", "tokenizers", "pillow", "numpy")
    return {package: importlib.metadata.version(package) for package in names}
