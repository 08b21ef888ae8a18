"""Where a model looks, read off while its fast attention kernel works.

Fast kernels return no weights. So the attention function registered here calls the kernel for the
output and hands the newest queries and the keys, which the cache holds anyway, to a sink; rows
softmax(q.K^T) are computed from those, for a block of tokens at a time. The network computes what
it would have computed without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import flash_attention_mask, sdpa_mask
from transformers.modeling_flash_attention_utils import (
    _flash_attention_forward,
    flash_attn_supports_top_left_mask,
)

STASHING_KERNELS = {"sdpa": "stashing_sdpa", "flash_attention_2": "stashing_fa2"}
"""Name of the attention function that watches, by kernel; a name with `flash` in it would make
transformers look for a kernel on the hub."""

QUERY_BLOCK = 64
"""Queries whose softmax is held at once, when many are known."""


class QuerySink(Protocol):
    """What the attention function tells."""

    def take(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float | None
    ) -> None:
        """Queries (batch, heads, queries, head width) and all keys so far (batch, key heads,
        keys, head width) of one layer, after rotary embedding; the newest stand last."""


_sink: ContextVar[QuerySink | None] = ContextVar("sink", default=None)


@contextmanager
def capture_into(sink: QuerySink | None) -> Iterator[None]:
    """Send queries and keys of this thread's forward passes to a sink; None to nobody."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


def install_capture(network: PreTrainedModel, kernel: str) -> None:
    """Let a Qwen2-VL or Qwen2.5-VL's language layers tell the sink; the kernel stays `kernel`."""
    network.set_attn_implementation(
        {"text_config": STASHING_KERNELS[kernel], "vision_config": kernel}
    )


def mean_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    scaling: float | None,
    visible: torch.Tensor | None = None,
) -> torch.Tensor:
    """(batch, queries, keys) float32: softmax(q.K^T) of the last queries, heads averaged.

    `query` and `key` as a sink takes them; `visible` (batch, keys) is false where a key is padding.
    """
    batch, heads, count, width = query.shape
    key_heads, length = key.shape[1:3]
    grouped = query.float().reshape(batch, key_heads, -1, width)  # head = key head * group + i
    scores = torch.matmul(grouped, key.float().transpose(2, 3))
    scores *= width**-0.5 if scaling is None else scaling
    scores = scores.view(batch, heads, count, length)
    if count > 1:  # of the block's own tokens each sees those before it
        later = torch.ones(count, count, dtype=torch.bool, device=key.device).triu(1)
        scores[..., length - count :].masked_fill_(later, float("-inf"))
    if visible is not None:
        scores.masked_fill_(~visible[:, None, None, :], float("-inf"))
    return scores.softmax(-1).mean(1)


class PictureColumns:
    """Which keys are picture tokens, and which are padding."""

    def __init__(self, pictures: torch.Tensor, attention_mask: torch.Tensor) -> None:
        """Masks of the prompts, both (batch, prompt tokens)."""
        self.positions = [row.nonzero()[:, 0] for row in pictures.bool()]
        padded = attention_mask.bool()
        self._prompt_visible = None if bool(padded.all()) else padded

    def visible(self, keys: int) -> torch.Tensor | None:
        """(batch, keys): whether a key is no padding; None if there is none."""
        if self._prompt_visible is None:
            return None
        written = keys - self._prompt_visible.shape[1]
        return torch.nn.functional.pad(self._prompt_visible, (0, written), value=True)

    def select(self, weights: torch.Tensor) -> list[torch.Tensor]:
        """Of (batch, queries, keys) the picture's columns: for each prompt (queries, pictures)."""
        return [row[:, place] for row, place in zip(weights, self.positions, strict=True)]


class QueryStash:
    """Keeps the newest query of every pass of a generation until its row is asked for."""

    def __init__(self, layers: int, columns: PictureColumns) -> None:
        """For a network of so many layers."""
        self._columns = columns
        self._queries: list[list[torch.Tensor]] = [[] for _ in range(layers)]
        self._keys: list[torch.Tensor | None] = [None] * layers
        self._scaling: float | None = None

    def take(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float | None
    ) -> None:
        """Keep the newest query, and a reference to the keys."""
        # of a prefill the last query alone, copied so that the others can be let go
        self._queries[layer].append(query if query.shape[2] == 1 else query[:, :, -1:].clone())
        self._keys[layer] = key
        self._scaling = scaling

    def __len__(self) -> int:
        """Queries kept."""
        return len(self._queries[-1])

    def rows(self) -> list[torch.Tensor]:
        """For each prompt (queries, layers, pictures) float32 of what is kept, which is let go."""
        layers: list[list[torch.Tensor]] = []
        for queries, key in zip(self._queries, self._keys, strict=True):
            if key is None:
                raise RuntimeError("No forward pass was watched; `watch` the network first.")
            visible = self._columns.visible(key.shape[2])
            weights = mean_attention(torch.cat(queries, 2), key, self._scaling, visible)
            layers.append(self._columns.select(weights))
            queries.clear()
        return [torch.stack(layer_rows, 1) for layer_rows in zip(*layers, strict=True)]


class Replay:
    """Rows of passes over tokens that are already written, computed layer by layer."""

    def __init__(self, layers: int, columns: PictureColumns) -> None:
        """For a network of so many layers."""
        self._columns = columns
        self._rows: list[list[list[torch.Tensor]]] = [[] for _ in range(layers)]
        self.last_only = True
        """Whether only the newest query of a pass matters, as in a prompt's; else all of them."""

    def take(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float | None
    ) -> None:
        """Compute the rows of this pass."""
        length = key.shape[2]
        first = query.shape[2] - 1 if self.last_only else 0
        for start in range(first, query.shape[2], QUERY_BLOCK):
            block = query[:, :, start : start + QUERY_BLOCK]
            seen = length - query.shape[2] + start + block.shape[2]
            visible = self._columns.visible(length)
            weights = mean_attention(
                block, key[:, :, :seen], scaling, None if visible is None else visible[:, :seen]
            )
            self._rows[layer].append(self._columns.select(weights))

    def rows(self) -> list[torch.Tensor]:
        """For each prompt (queries, layers, pictures) float32, of all passes in order."""
        layers = [
            [torch.cat(parts) for parts in zip(*blocks, strict=True)] for blocks in self._rows
        ]
        return [torch.stack(layer_rows, 1) for layer_rows in zip(*layers, strict=True)]


def _notify_sink(module: torch.nn.Module, query: Any, key: Any, scaling: float | None) -> None:
    sink = _sink.get()
    if sink is not None:
        sink.take(module.layer_idx, query, key, scaling)  # type: ignore[arg-type]


def _stashing_sdpa(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    _notify_sink(module, query, key, options.get("scaling"))
    return sdpa_attention_forward(module, query, key, value, attention_mask, **options)


def _stashing_fa2(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    _notify_sink(module, query, key, scaling)
    output = _flash_attention_forward(  # takes (batch, tokens, heads, head width)
        query.transpose(1, 2),
        key.transpose(1, 2),
        value.transpose(1, 2),
        attention_mask,
        query_length=query.shape[2],
        is_causal=bool(module.is_causal) if is_causal is None else is_causal,
        dropout=dropout,
        softmax_scale=scaling,
        use_top_left_mask=flash_attn_supports_top_left_mask(),  # type: ignore[no-untyped-call]
        attn_implementation="flash_attention_2",
        **options,
    )
    return output, None


def _register() -> None:
    kernels: Sequence[tuple[str, Callable[..., Any], Callable[..., Any]]] = (
        (STASHING_KERNELS["sdpa"], _stashing_sdpa, sdpa_mask),
        (STASHING_KERNELS["flash_attention_2"], _stashing_fa2, flash_attention_mask),
    )
    for name, attention, mask in kernels:
        AttentionInterface.register(name, attention)
        AttentionMaskInterface.register(name, mask)


_register()
