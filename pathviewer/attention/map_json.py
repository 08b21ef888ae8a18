"""Attention maps as numbers for the browser, which averages, compares and colours them.

One byte per passage, layer and cell; 255 is the map's own peak. docs/api.md describes the
browser's computation; its result equals that of `models.attention.normalise_map`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.attention import (
    FLOOR,
    LEAST_IMAGE_SHARE,
    LOCALISED_SPREAD,
    AttentionMap,
    attention_map,
    layer_maps,
    normalise_map,
    scale_to_bytes,
)
from models.errors import ModelError
from models.messages import ImagePlacement
from models.reasoning.trace import parse
from pathviewer.attention import user_messages
from pathviewer.attention.archive import StoredAttention
from pathviewer.attention.passages import find_passages

TOKENS = "tokens"
"""Name of a passage of arbitrary tokens."""


@dataclass(frozen=True)
class CompletionAttention:
    """A completion with its attention on its one picture."""

    text: str
    """The completion's text."""
    token_ends: tuple[int, ...]
    """End of each token, in characters of `text`."""
    placement: ImagePlacement
    """Placement of the picture."""
    attention: StoredAttention
    """Attention of every token and of the neutral question."""


def maps_json(completion: CompletionAttention, tokens: range | None = None) -> dict[str, Any]:
    """Return the maps of every passage, or of the given tokens.

    Raises ModelError for tokens that do not exist and for an empty completion.
    """
    named = _named_passages(completion) if tokens is None else [(TOKENS, tokens)]
    rows, places = completion.attention.completion_rows, (completion.placement,)
    maps = np.stack([layer_maps(rows, places, 0, span) for _, span in named])
    small = scale_to_bytes(maps)
    edges = utf16_edges(completion.text, completion.token_ends)
    return {
        "columns": completion.placement.columns,
        "rows": completion.placement.rows,
        "layers": maps.shape[1],
        "box": vars(completion.placement.box),
        "passages": [_passage_json(completion, name, span, edges) for name, span in named],
        "peaks": small.peaks.tolist(),
        "values": _base64(small.values),
        "neutral": _neutral_json(completion),
        "floor": FLOOR,
        "localised_spread": LOCALISED_SPREAD,
        "least_image_share": LEAST_IMAGE_SHARE,
        "tokens": [{"start": a, "end": b} for a, b in pairwise(edges)],
    }


def live_map_json(name: str, passage_map: AttentionMap) -> dict[str, Any]:
    """Return the raw map of a passage that is being written, the mean over the layers."""
    small = scale_to_bytes(passage_map.weights * np.float32(passage_map.image_share))
    return {
        "passage": name,
        "columns": passage_map.placement.columns,
        "rows": passage_map.placement.rows,
        "peak": float(small.peaks),
        "values": _base64(small.values),
        "image_share": passage_map.image_share,
    }


def utf16_edges(text: str, token_ends: Sequence[int]) -> list[int]:
    """Return the token edges in UTF-16 code units: 0, then the end of each token."""
    units = np.cumsum([0, *(2 if ord(letter) > 0xFFFF else 1 for letter in text)])
    return [0, *units[list(token_ends)].tolist()] if token_ends else [0]


def _named_passages(completion: CompletionAttention) -> list[tuple[str, range]]:
    """Return the name and tokens of each passage. Raises ModelError for an empty completion."""
    named = find_passages(parse(completion.text), completion.token_ends)
    if not named:
        raise ModelError(user_messages.ANSWER_EMPTY)
    return named


def _passage_json(
    completion: CompletionAttention, name: str, span: range, edges: list[int]
) -> dict[str, Any]:
    raw = attention_map(completion.attention.completion_rows, (completion.placement,), 0, span)
    relative = _relative_map(completion, raw)
    return {
        "name": name,
        "first": span.start,
        "stop": span.stop,
        "start": edges[span.start],
        "end": edges[span.stop],
        "image_share": raw.image_share,
        "entropy": raw.entropy,
        "spread": raw.spread,
        "localised": raw.is_localised,
        "relative_entropy": relative and relative.entropy,
        "relative_spread": relative and relative.spread,
        "relative_localised": relative and relative.is_localised,
    }


def _relative_map(completion: CompletionAttention, raw: AttentionMap) -> AttentionMap | None:
    """Return the map relative to the neutral question; None without neutral attention."""
    neutral_rows = completion.attention.neutral_rows
    if neutral_rows is None:
        return None
    return normalise_map(raw, attention_map(neutral_rows, (completion.placement,), 0, range(1)))


def _neutral_json(completion: CompletionAttention) -> dict[str, Any] | None:
    neutral_rows = completion.attention.neutral_rows
    if neutral_rows is None:
        return None
    small = scale_to_bytes(layer_maps(neutral_rows, (completion.placement,), 0, range(1)))
    return {"peaks": small.peaks.tolist(), "values": _base64(small.values)}


def _base64(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def list_passage_maps(completion: CompletionAttention) -> list[tuple[str, AttentionMap]]:
    """Return the name and map of every passage, relative with neutral attention, else raw.

    Raises ModelError for an empty completion.
    """
    maps = []
    for name, span in _named_passages(completion):
        raw = attention_map(completion.attention.completion_rows, (completion.placement,), 0, span)
        maps.append((name, _relative_map(completion, raw) or raw))
    return maps
