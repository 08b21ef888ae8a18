"""Cache of recent prompts: visual tokens, and keys and values up to the last picture.

A prompt's text follows its pictures, so another question about the same pictures shares the system
prompt and the pictures: its prefix. The prefix is always read in a pass of its own, and each
picture by itself. A prompt therefore gives the same numbers with and without the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from cachetools import LRUCache
from transformers import DynamicCache

from models.capture import capture_into
from models.processing import PreparedPrompt

if TYPE_CHECKING:
    from models.engines.local.checkpoint_loading import LoadedModel

PICTURE_BYTES = 64 * 2**20
"""Most bytes of visual tokens; a picture of 1,600 cells has 11 MiB for a 7B."""
PREFIX_BYTES = 256 * 2**20
"""Most bytes of keys and values; a prefix of 1,600 cells has 88 MiB for a 7B."""

KeysValues = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""Keys and values of each layer, both (1, key heads, tokens, head width)."""

Value = TypeVar("Value")


class PromptCache:
    """Drops the least recently used entries first; for the one thread that runs the network.

    Tensors stay on the network's device.
    """

    def __init__(
        self, picture_bytes: int = PICTURE_BYTES, prefix_bytes: int = PREFIX_BYTES
    ) -> None:
        """Start empty, with a bound for each kind."""
        self.pictures: LRUCache[bytes, torch.Tensor] = LRUCache(
            picture_bytes, getsizeof=lambda tokens: tokens.nbytes
        )
        """Visual tokens of a picture, (cells, width), by a hash of its pixels."""
        self.prefixes: LRUCache[bytes, KeysValues] = LRUCache(prefix_bytes, getsizeof=_bytes_of)
        """Keys and values by a hash of a prefix's tokens and pixels."""

    def clear(self) -> None:
        """Drop everything, as when memory has run out."""
        self.pictures.clear()
        self.prefixes.clear()


def rope_positions(
    loaded: LoadedModel, prompts: PreparedPrompt
) -> tuple[torch.Tensor, torch.Tensor]:
    """(3, prompts, tokens): rope positions; (prompts, 1): what to add to those of later tokens."""
    tensors = prompts.tensors
    positions, deltas = loaded.network.model.get_rope_index(
        tensors["input_ids"],
        mm_token_type_ids=tensors["mm_token_type_ids"],
        image_grid_thw=tensors.get("image_grid_thw"),
        attention_mask=tensors["attention_mask"],
    )
    return positions, deltas


@torch.inference_mode()
def embed_pictures(loaded: LoadedModel, prompts: PreparedPrompt) -> torch.Tensor:
    """(picture tokens, width): visual tokens of all pictures in order; not for training."""
    grids = prompts.tensors["image_grid_thw"]
    pixels = prompts.tensors["pixel_values"].split_with_sizes(grids.prod(1).tolist())
    pictures = zip(prompts.picture_hashes, pixels, grids[:, None], strict=True)
    cache = loaded.cache.pictures
    parts = [_find_or_make(cache, key, partial(_see, loaded, *each)) for key, *each in pictures]
    return torch.cat(parts)


def embed_tokens(loaded: LoadedModel, prompts: PreparedPrompt, first: int = 0) -> torch.Tensor:
    """(prompts, tokens, width): prompts as embeddings, from a token on."""
    embeddings: torch.Tensor = loaded.network.model.get_input_embeddings()(
        prompts.tensors["input_ids"][:, first:]
    )
    marks = prompts.pictures[:, first:]
    if marks.any():
        embeddings[marks] = embed_pictures(loaded, prompts).to(embeddings.dtype)
    return embeddings


@torch.inference_mode()
def read_prefix(
    loaded: LoadedModel, prompt: PreparedPrompt, positions: torch.Tensor
) -> DynamicCache:
    """Keys and values of one prompt up to the end of its last picture, as the caller's own copy.

    `positions` are those of `rope_positions`. Empty without pictures. Attention is not captured.
    """
    marked = prompt.pictures[0].nonzero()
    if not len(marked):
        return DynamicCache()
    length = int(marked[-1]) + 1
    ids = prompt.tensors["input_ids"][0, :length].tolist()
    key = hashlib.sha256(repr((ids, prompt.picture_hashes)).encode()).digest()
    read = partial(_read, loaded, prompt, positions[..., :length])
    return DynamicCache(_find_or_make(loaded.cache.prefixes, key, read))  # copies the tensors


def read_on(
    loaded: LoadedModel, embeddings: torch.Tensor, positions: torch.Tensor, cache: DynamicCache
) -> None:
    """Add the keys and values of the next tokens to `cache`; attention is not captured."""
    with capture_into(None):
        loaded.network.model.language_model(
            inputs_embeds=embeddings,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )


def _see(loaded: LoadedModel, pixels: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """Run the tower over one picture."""
    seen = loaded.network.model.get_image_features(pixels, grid, return_dict=True)
    return torch.cat(list(seen.pooler_output))


def _read(loaded: LoadedModel, prompt: PreparedPrompt, positions: torch.Tensor) -> KeysValues:
    """Run the language layers over the tokens that have `positions`."""
    cache: Any = DynamicCache()  # Any: layers of other kinds have no keys
    embeddings = embed_tokens(loaded, prompt)[:, : positions.shape[2]]
    read_on(loaded, embeddings, positions, cache)
    return tuple((layer.keys, layer.values) for layer in cache.layers)


def _find_or_make(cache: LRUCache[bytes, Value], key: bytes, make: Callable[[], Value]) -> Value:
    """Return the entry, or make it and add it; one larger than the bound is not added."""
    value = cache.get(key)
    if value is None:
        value = make()
        with suppress(ValueError):
            cache[key] = value
    return value


def _bytes_of(keys_values: KeysValues) -> int:
    return sum(tensor.nbytes for layer in keys_values for tensor in layer)
