"""Where a model looked: attention rows made into maps over a picture's token cells.

Values, not pictures. Raw attention misleads: some cells draw attention whatever is asked. So a map
is also given relative to that of a neutral question on the same picture, as in "MLLMs Know Where
to Look" (Zhang et al., ICLR 2025).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.messages import AttentionRows, ImagePlacement
from models.placement import token_columns

NEUTRAL_QUESTION = "Describe the image."
"""What is asked of the same picture to learn where the model looks anyway."""

NEUTRAL_TOKENS = 8
"""Tokens of the neutral answer over which its map is averaged."""

LOCALISED_SPREAD = 0.75
"""A map spread over a larger share of the cells than this is diffuse."""

LEAST_IMAGE_SHARE = 0.01
"""If less of the attention than this fell on the picture, its map says nothing."""

FLOOR = 0.1
"""Added to both maps before their ratio, in even shares, so that cells that both leave alone do
not decide the result."""


@dataclass(frozen=True)
class AttentionMap:
    """Where some tokens of a completion looked, over the cells of one picture."""

    image_index: int
    """Which picture of the prompt."""
    placement: ImagePlacement
    """Where its cells lie."""
    tokens: range
    """Completion tokens averaged over."""
    layers: range
    """Layers averaged over."""
    weights: NDArray[np.float32]
    """(rows, columns): share of each cell, summing to 1 over the picture."""
    image_share: float
    """Share of the attention that fell on this picture at all, 0 to 1."""
    relative: bool = False
    """Whether the weights are relative to a neutral question's map."""

    @property
    def entropy(self) -> float:
        """Entropy of the weights over that of an even map: 0 one cell, 1 even; 1 for one cell."""
        cells = self.weights.size
        if cells == 1:
            return 1.0
        weights = self.weights[self.weights > 0].astype(np.float64)
        return float(np.clip(-(weights * np.log(weights)).sum() / math.log(cells), 0.0, 1.0))

    @property
    def spread(self) -> float:
        """Share of the cells over which an even map of this entropy would lie; 1 is even."""
        return float(self.weights.size ** (self.entropy - 1))

    @property
    def is_localised(self) -> bool:
        """Whether the map points anywhere; if not it is diffuse.

        It does when `spread` is at most `LOCALISED_SPREAD` and at least `LEAST_IMAGE_SHARE` of the
        attention fell on the picture: half of the weight on a tenth of the cells counts, a third
        of it does not.
        """
        seen = self.image_share >= LEAST_IMAGE_SHARE
        return bool(self.weights.size > 1 and seen and self.spread <= LOCALISED_SPREAD)

    def gains(self) -> NDArray[np.float32]:
        """(rows, columns): weights in even shares, so 1 is what an even map gives each cell."""
        gains: NDArray[np.float32] = self.weights * np.float32(self.weights.size)
        return gains

    def top_cells(self, share: float = 0.1) -> NDArray[np.bool_]:
        """(rows, columns): the most attended cells, `share` of all but at least one."""
        count = max(1, round(self.weights.size * share))
        order = np.argsort(-self.weights, axis=None, kind="stable")
        chosen = np.zeros(self.weights.size, np.bool_)
        chosen[order[:count]] = True
        return chosen.reshape(self.weights.shape)


@dataclass(frozen=True)
class ByteMaps:
    """Maps made small for the page: each scaled to its own peak."""

    values: NDArray[np.uint8]
    """(..., rows, columns): 255 is the map's peak."""
    peaks: NDArray[np.float32]
    """(...): attention at 255, per map."""

    def restore(self) -> NDArray[np.float32]:
        """(..., rows, columns): the maps again, each within 1/510 of its peak."""
        scaled = self.values.astype(np.float32) * (self.peaks[..., None, None] / np.float32(255))
        return scaled.astype(np.float32)


def join_rows(parts: Sequence[AttentionRows]) -> AttentionRows:
    """The rows of one completion in one piece, from those that arrived, in order of tokens.

    Raises `ModelError` when there are none, or some are missing or not of this completion.
    """
    if not parts:
        raise ModelError("The model reported no attention; ask again with attention on.")
    ordered = sorted(parts, key=lambda part: part.first_token)
    following = ordered[0].first_token
    for part in ordered:
        if part.first_token != following or part.completion_index != ordered[0].completion_index:
            raise ModelError(f"Attention of token {following} is missing or came twice; ask again.")
        following += len(part.rows)
    return replace(ordered[0], rows=np.concatenate([part.rows for part in ordered]))


def layer_maps(
    rows: AttentionRows,
    placements: Sequence[ImagePlacement],
    image_index: int,
    tokens: range,
) -> NDArray[np.float32]:
    """(layers, rows, columns): attention to each cell, averaged over tokens, not rescaled.

    Each layer sums to the share that fell on this picture. Raises `ModelError` when the rows do
    not belong to these pictures or tokens, or hold values that no attention has.
    """
    columns = token_columns(placements, image_index)
    total = sum(placement.tokens for placement in placements)
    if rows.rows.ndim != 3 or rows.rows.shape[2] != total:
        raise ModelError(
            f"The attention is {rows.rows.shape}, not (tokens, layers, {total}) as its pictures "
            "ask; they are not those it was made with."
        )
    start, stop = tokens.start - rows.first_token, tokens.stop - rows.first_token
    if tokens.step != 1 or not 0 <= start < stop <= len(rows.rows):
        raise ModelError(
            f"There is no attention of tokens {tokens.start} to {tokens.stop - 1}; "
            f"it covers {rows.first_token} to {rows.first_token + len(rows.rows) - 1}."
        )
    shares = rows.rows[start:stop, :, columns].mean(axis=0, dtype=np.float64)
    if not (np.isfinite(shares).all() and (shares >= 0).all()):
        raise ModelError("The model's attention holds values that are not shares; use float32.")
    placement = placements[image_index]
    shape = (len(shares), placement.rows, placement.columns)
    maps: NDArray[np.float32] = shares.reshape(shape).astype(np.float32)
    return maps


def attention_map(
    rows: AttentionRows,
    placements: Sequence[ImagePlacement],
    image_index: int,
    tokens: range,
    layers: range | None = None,
) -> AttentionMap:
    """The raw map of some tokens, such as a step's, over one picture; None takes all layers.

    Where none of the attention fell on the picture the weights are even. Raises `ModelError` as
    `layer_maps` does, and for layers that are not there.
    """
    maps = layer_maps(rows, placements, image_index, tokens)
    chosen = range(len(maps)) if layers is None else layers
    if not chosen or min(chosen) < 0 or max(chosen) >= len(maps):
        raise ModelError(f"There are layers 0 to {len(maps) - 1}, not {chosen}.")
    mean = maps[list(chosen)].mean(axis=0, dtype=np.float64)
    share = float(min(1.0, mean.sum()))
    weights = mean / mean.sum() if share > 0 else np.full_like(mean, 1 / mean.size)
    return AttentionMap(
        image_index=image_index,
        placement=placements[image_index],
        tokens=tokens,
        layers=chosen,
        weights=weights.astype(np.float32),
        image_share=share,
    )


def normalise_map(raw: AttentionMap, neutral: AttentionMap) -> AttentionMap:
    """`raw` divided by the map of a neutral question on the same picture, summing to 1 again.

    Equal maps give an even, diffuse one. The share on the picture stays that of `raw`. Raises
    `ModelError` when the two are of different grids.
    """
    if raw.weights.shape != neutral.weights.shape:
        raise ModelError(
            f"A map of {raw.weights.shape} cells cannot be compared with one of "
            f"{neutral.weights.shape}; ask both with the same pixel budget."
        )
    floor = FLOOR / raw.weights.size
    ratio = (raw.weights + floor) / (neutral.weights + floor)
    weights = (ratio / ratio.sum(dtype=np.float64)).astype(np.float32)
    return replace(raw, weights=weights, relative=True)


def scale_to_bytes(maps: NDArray[np.float32]) -> ByteMaps:
    """Maps of shape (..., rows, columns), such as step x layer, as one byte per cell."""
    peaks = maps.max(axis=(-2, -1)).astype(np.float32)
    scale = np.where(peaks > 0, peaks, np.float32(1))[..., None, None]
    values = np.rint(maps / scale * 255).astype(np.uint8)
    return ByteMaps(values, peaks)
