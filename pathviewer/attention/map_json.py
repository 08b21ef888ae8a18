"""The maps of a completion as numbers for the browser, which averages, compares and colours them.

Per passage and layer one byte per cell, 255 at the map's own peak. docs/api.md says what a browser
makes of them; it comes to the same as `models.attention.normalised`.
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
    as_bytes,
    attention_map,
    layer_maps,
    normalised,
)
from models.errors import ModelError
from models.messages import ImagePlacement
from models.reasoning.trace import parse
from pathviewer.attention.archive import KeptAttention
from pathviewer.attention.passages import passages

TOKENS = "tokens"
"""Name of a passage of any tokens."""


@dataclass(frozen=True)
class SeenCompletion:
    """A completion with where it looked in its one picture."""

    text: str
    """What was written."""
    token_ends: tuple[int, ...]
    """Characters complete with each token."""
    placement: ImagePlacement
    """Of the picture."""
    attention: KeptAttention
    """Of every token, and of the neutral question."""


def maps_json(seen: SeenCompletion, tokens: range | None = None) -> dict[str, Any]:
    """Maps of every passage, or of the tokens that are named, as the route answers.

    Raises ModelError for tokens that are not there.
    """
    named = _passages(seen) if tokens is None else [(TOKENS, tokens)]
    rows, places = seen.attention.asked, (seen.placement,)
    maps = np.stack([layer_maps(rows, places, 0, span) for _, span in named])
    small = as_bytes(maps)
    edges = utf16_edges(seen.text, seen.token_ends)
    return {
        "columns": seen.placement.columns,
        "rows": seen.placement.rows,
        "layers": maps.shape[1],
        "box": vars(seen.placement.box),
        "passages": [_passage(seen, name, span, edges) for name, span in named],
        "peaks": small.peaks.tolist(),
        "values": _base64(small.values),
        "neutral": _neutral(seen),
        "floor": FLOOR,
        "localised_spread": LOCALISED_SPREAD,
        "least_image_share": LEAST_IMAGE_SHARE,
        "tokens": [{"start": a, "end": b} for a, b in pairwise(edges)],
    }


def live_map_json(name: str, found: AttentionMap) -> dict[str, Any]:
    """The map of a passage that is being written: raw, the mean over the layers."""
    small = as_bytes(found.weights * np.float32(found.image_share))
    return {
        "passage": name,
        "columns": found.placement.columns,
        "rows": found.placement.rows,
        "peak": float(small.peaks),
        "values": _base64(small.values),
        "image_share": found.image_share,
    }


def utf16_edges(text: str, token_ends: Sequence[int]) -> list[int]:
    """UTF-16 code units before the first token and after each, one more than there are tokens."""
    units = np.cumsum([0, *(2 if ord(letter) > 0xFFFF else 1 for letter in text)])
    return [0, *units[list(token_ends)].tolist()] if token_ends else [0]


def _passages(seen: SeenCompletion) -> list[tuple[str, range]]:
    """Name and tokens of each; raises ModelError where nothing was written."""
    named = passages(parse(seen.text), seen.token_ends)
    if not named:
        raise ModelError("Nothing was written, so there is nowhere it looked.")
    return named


def _passage(seen: SeenCompletion, name: str, span: range, edges: list[int]) -> dict[str, Any]:
    raw = attention_map(seen.attention.asked, (seen.placement,), 0, span)
    relative = _relative(seen, raw)
    return {
        "name": name,
        "first": span.start,
        "stop": span.stop,
        "start": edges[span.start],
        "end": edges[span.stop],
        "image_share": raw.image_share,
        "entropy": raw.entropy,
        "spread": raw.spread,
        "localised": raw.localised,
        "relative_entropy": relative and relative.entropy,
        "relative_spread": relative and relative.spread,
        "relative_localised": relative and relative.localised,
    }


def _relative(seen: SeenCompletion, raw: AttentionMap) -> AttentionMap | None:
    """The map over that of the neutral question, if there is one."""
    compared = seen.attention.compared
    if compared is None:
        return None
    return normalised(raw, attention_map(compared, (seen.placement,), 0, range(1)))


def _neutral(seen: SeenCompletion) -> dict[str, Any] | None:
    compared = seen.attention.compared
    if compared is None:
        return None
    small = as_bytes(layer_maps(compared, (seen.placement,), 0, range(1)))
    return {"peaks": small.peaks.tolist(), "values": _base64(small.values)}


def _base64(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def shown_maps(seen: SeenCompletion) -> list[tuple[str, AttentionMap]]:
    """The map of every passage: relative to the neutral question if there was one, else raw.

    Raises ModelError where nothing was written.
    """
    found = []
    for name, span in _passages(seen):
        raw = attention_map(seen.attention.asked, (seen.placement,), 0, span)
        found.append((name, _relative(seen, raw) or raw))
    return found
