"""Attention capture with fast kernels.

Fast kernels return no weights. The attention function registered here calls the kernel for the
output and passes the newest queries, with the keys that the cache holds anyway, to a sink; rows
softmax(q.K^T) are computed from those for a block of tokens at a time. The network's output is
unchanged.
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
"""Name of the capturing attention function by kernel; a name containing `flash` would make
transformers look for a kernel on the hub.
"""

QUERY_BLOCK = 64
"""Queries per softmax block when many are available."""


class QuerySink(Protocol):
    """Receiver of queries and keys from the attention function."""

    def take(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float | None
    ) -> None:
        """Receive one layer's newest queries and all keys so far, after rotary embedding.

        Shapes: (batch, heads, queries, head width) and (batch, key heads, keys, head width), newest
        last.
        """


class OutputSink(Protocol):
    """Receiver of what attention weights multiply, and of their product, for gradients."""

    def take_output(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        output: torch.Tensor,
    ) -> None:
        """Receive one layer's tensors, after rotary embedding.

        Shapes: queries (batch, heads, queries, head width), keys and values (batch, key heads,
        keys, head width), output (batch, queries, heads, head width).
        """


_sink: ContextVar[QuerySink | None] = ContextVar("sink", default=None)
_output_sink: ContextVar[OutputSink | None] = ContextVar("output_sink", default=None)


@contextmanager
def capture_into(sink: QuerySink | None) -> Iterator[None]:
    """Send queries and keys of this thread's forward passes to a sink; None disables capture."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


@contextmanager
def capture_outputs_into(sink: OutputSink) -> Iterator[None]:
    """Send the tensors of this thread's attention layers to a sink."""
    token = _output_sink.set(sink)
    try:
        yield
    finally:
        _output_sink.reset(token)


def install_capture(network: PreTrainedModel, kernel: str) -> None:
    """Enable capture in the language layers of a Qwen2-VL or Qwen2.5-VL running `kernel`."""
    network.set_attn_implementation(
        {"text_config": STASHING_KERNELS[kernel], "vision_config": kernel}
    )


def mean_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    scaling: float | None,
    visible: torch.Tensor | None = None,
) -> torch.Tensor:
    """(batch, queries, keys) float32: softmax(q.K^T) of the last queries, averaged over heads.

    `query` and `key` as in `QuerySink.take`; `visible` (batch, keys) is false for padding.
    """
    batch, heads, count, width = query.shape
    key_heads, length = key.shape[1:3]
    grouped = query.float().reshape(batch, key_heads, -1, width)  # head = key head * group + i
    scores = torch.matmul(grouped, key.float().transpose(2, 3))
    scores *= width**-0.5 if scaling is None else scaling
    scores = scores.view(batch, heads, count, length)
    if count > 1:  # within the block, each token sees only earlier ones
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
        """(batch, keys): mask of keys that are not padding; None if there is no padding."""
        if self._prompt_visible is None:
            return None
        written = keys - self._prompt_visible.shape[1]
        return torch.nn.functional.pad(self._prompt_visible, (0, written), value=True)

    def select(self, weights: torch.Tensor) -> list[torch.Tensor]:
        """From (batch, queries, keys), the picture columns: (queries, pictures) per prompt."""
        return [row[:, place] for row, place in zip(weights, self.positions, strict=True)]


class QueryStash:
    """Holds the newest query of each generation pass until its row is requested."""

    def __init__(self, layers: int, columns: PictureColumns) -> None:
        """For a network with `layers` layers."""
        self._columns = columns
        self._queries: list[list[torch.Tensor]] = [[] for _ in range(layers)]
        self._keys: list[torch.Tensor | None] = [None] * layers
        self._scaling: float | None = None

    def take(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float | None
    ) -> None:
        """Store the newest query and a reference to the keys."""
        # of a prefill, only the last query, cloned to free the others
        self._queries[layer].append(query if query.shape[2] == 1 else query[:, :, -1:].clone())
        self._keys[layer] = key
        self._scaling = scaling

    def __len__(self) -> int:
        """Number of stored queries."""
        return len(self._queries[-1])

    def rows(self) -> list[torch.Tensor]:
        """Compute and release the stored rows: (queries, layers, pictures) float32 per prompt."""
        layers: list[list[torch.Tensor]] = []
        for queries, key in zip(self._queries, self._keys, strict=True):
            if key is None:
                raise RuntimeError(
                    "No forward pass was captured; call `install_capture` for the network first."
                )
            visible = self._columns.visible(key.shape[2])
            weights = mean_attention(torch.cat(queries, 2), key, self._scaling, visible)
            layers.append(self._columns.select(weights))
            queries.clear()
        return [torch.stack(layer_rows, 1) for layer_rows in zip(*layers, strict=True)]


class Replay:
    """Attention rows of forward passes over existing tokens, computed layer by layer."""

    def __init__(self, layers: int, columns: PictureColumns) -> None:
        """For a network with `layers` layers."""
        self._columns = columns
        self._rows: list[list[list[torch.Tensor]]] = [[] for _ in range(layers)]
        self.last_only = True
        """Whether only the newest query of a pass is needed, as for a prompt; otherwise all are."""

    def take(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float | None
    ) -> None:
        """Compute the rows of one layer of a pass."""
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
        """(queries, layers, pictures) float32 per prompt, for all passes in order."""
        layers = [
            [torch.cat(parts) for parts in zip(*blocks, strict=True)] for blocks in self._rows
        ]
        return [torch.stack(layer_rows, 1) for layer_rows in zip(*layers, strict=True)]


def _notify_sink(module: torch.nn.Module, query: Any, key: Any, scaling: float | None) -> None:
    sink = _sink.get()
    if sink is not None:
        sink.take(module.layer_idx, query, key, scaling)  # type: ignore[arg-type]


def _notify_output_sink(
    module: torch.nn.Module, query: Any, key: Any, value: Any, scaling: float | None, output: Any
) -> None:
    sink = _output_sink.get()
    if sink is not None:
        sink.take_output(module.layer_idx, query, key, value, scaling, output)  # type: ignore[arg-type]


def _stashing_sdpa(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    scaling = options.get("scaling")
    _notify_sink(module, query, key, scaling)
    output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    _notify_output_sink(module, query, key, value, scaling, output)
    return output, None


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
    _notify_output_sink(module, query, key, value, scaling, output)
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
