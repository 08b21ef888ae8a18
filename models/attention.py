"""Attention maps: attention rows averaged over tokens and laid over a picture's token cells.

These are values, not pictures. Raw attention misleads, because some cells draw attention whatever
the question. A map can therefore be divided by that of a neutral question on the same picture, as
in "MLLMs Know Where to Look" (Zhang et al., ICLR 2025).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models import user_messages
from models.errors import ModelError
from models.messages import AttentionRows, ImagePlacement
from models.occlusion import top_cells
from models.placement import token_columns

NEUTRAL_QUESTION = "Describe the image."
"""Neutral question, whose map shows where the model looks regardless of the question."""

NEUTRAL_TOKENS = 8
"""Tokens of the neutral completion over which its map is averaged."""

LOCALISED_SPREAD = 0.75
"""A map with a larger spread than this is diffuse."""

LEAST_IMAGE_SHARE = 0.01
"""Image share below which a map says nothing."""

FLOOR = 0.1
"""Added evenly to both maps before their ratio, so that cells with almost no attention in either do
not decide the result.
"""


@dataclass(frozen=True)
class AttentionMap:
    """Attention of some completion tokens over the cells of one picture."""

    image_index: int
    """Index of the picture in the prompt."""
    placement: ImagePlacement
    """Placement of its cells."""
    tokens: range
    """Completion tokens averaged."""
    layers: range
    """Layers averaged."""
    weights: NDArray[np.float32]
    """(rows, columns): each cell's share, summing to 1 over the picture."""
    image_share: float
    """Share of all attention that fell on this picture, 0 to 1."""
    relative: bool = False
    """Whether the weights are relative to the map of a neutral question."""

    @property
    def entropy(self) -> float:
        """Entropy of the weights relative to an even map: 0 (one cell) to 1; 1 for a 1-cell map."""
        cells = self.weights.size
        if cells == 1:
            return 1.0
        weights = self.weights[self.weights > 0].astype(np.float64)
        return float(np.clip(-(weights * np.log(weights)).sum() / math.log(cells), 0.0, 1.0))

    @property
    def spread(self) -> float:
        """Share of the cells that an even map of this entropy would cover; 1 if even."""
        return float(self.weights.size ** (self.entropy - 1))

    @property
    def is_localised(self) -> bool:
        """Whether the map is localised rather than diffuse.

        It is if `spread` is at most `LOCALISED_SPREAD` and at least `LEAST_IMAGE_SHARE` of the
        attention fell on the picture: half of the weight on a tenth of the cells qualifies, a third
        does not.
        """
        seen = self.image_share >= LEAST_IMAGE_SHARE
        return bool(self.weights.size > 1 and seen and self.spread <= LOCALISED_SPREAD)

    def gains(self) -> NDArray[np.float32]:
        """(rows, columns): weights relative to an even map, which has 1 everywhere."""
        gains: NDArray[np.float32] = self.weights * np.float32(self.weights.size)
        return gains

    def top_cells(self, share: float = 0.1) -> NDArray[np.bool_]:
        """(rows, columns): mask of the most attended `share` of the cells, at least one."""
        return top_cells(self.weights, share)


@dataclass(frozen=True)
class ByteMaps:
    """Maps as bytes for the page, each scaled to its own peak."""

    values: NDArray[np.uint8]
    """(..., rows, columns): 255 is the map's peak."""
    peaks: NDArray[np.float32]
    """(...): attention at 255, per map."""

    def restore(self) -> NDArray[np.float32]:
        """(..., rows, columns): the maps as floats, each within 1/510 of its peak."""
        scaled = self.values.astype(np.float32) * (self.peaks[..., None, None] / np.float32(255))
        return scaled.astype(np.float32)


def join_rows(parts: Sequence[AttentionRows]) -> AttentionRows:
    """Join a completion's row blocks, given in order of tokens.

    Raises `ModelError` if there are none, some are missing, or some belong to another completion.
    """
    if not parts:
        raise ModelError(user_messages.ATTENTION_MISSING)
    ordered = sorted(parts, key=lambda part: part.first_token)
    following = ordered[0].first_token
    for part in ordered:
        if part.first_token != following or part.completion_index != ordered[0].completion_index:
            raise ModelError(user_messages.attention_gap(following))
        following += len(part.rows)
    return replace(ordered[0], rows=np.concatenate([part.rows for part in ordered]))


def layer_maps(
    rows: AttentionRows,
    placements: Sequence[ImagePlacement],
    image_index: int,
    tokens: range,
) -> NDArray[np.float32]:
    """(layers, rows, columns): attention to each cell, averaged over tokens, not rescaled.

    Each layer sums to the share that fell on this picture. Raises `ModelError` if the rows do not
    belong to these pictures or tokens, or hold values impossible for attention.
    """
    columns = token_columns(placements, image_index)
    total = sum(placement.tokens for placement in placements)
    if rows.rows.ndim != 3 or rows.rows.shape[2] != total:
        raise ModelError(user_messages.attention_of_other_pictures(rows.rows.shape, total))
    start, stop = tokens.start - rows.first_token, tokens.stop - rows.first_token
    if tokens.step != 1 or not 0 <= start < stop <= len(rows.rows):
        last = rows.first_token + len(rows.rows) - 1
        raise ModelError(
            user_messages.no_attention_of_tokens(
                tokens.start, tokens.stop - 1, rows.first_token, last
            )
        )
    shares = rows.rows[start:stop, :, columns].mean(axis=0, dtype=np.float64)
    if not (np.isfinite(shares).all() and (shares >= 0).all()):
        raise ModelError(user_messages.ATTENTION_NOT_SHARES)
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
    """Raw map of some tokens, such as a step's, over one picture; `layers` None averages all.

    The weights are even if no attention fell on the picture. Raises `ModelError` as `layer_maps`
    does, and for layers that do not exist.
    """
    maps = layer_maps(rows, placements, image_index, tokens)
    chosen = range(len(maps)) if layers is None else layers
    if not chosen or min(chosen) < 0 or max(chosen) >= len(maps):
        raise ModelError(user_messages.no_layers(len(maps) - 1, chosen))
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
    """Divide `raw` by the map of a neutral question on the same picture, rescaled to sum to 1.

    Equal maps give an even, diffuse map. `image_share` stays that of `raw`. Raises `ModelError` if
    the grids differ.
    """
    if raw.weights.shape != neutral.weights.shape:
        raise ModelError(user_messages.maps_incomparable(raw.weights.shape, neutral.weights.shape))
    floor = FLOOR / raw.weights.size
    ratio = (raw.weights + floor) / (neutral.weights + floor)
    weights = (ratio / ratio.sum(dtype=np.float64)).astype(np.float32)
    return replace(raw, weights=weights, relative=True)


def scale_to_bytes(maps: NDArray[np.float32]) -> ByteMaps:
    """Convert maps of shape (..., rows, columns), such as step x layer, to one byte per cell."""
    peaks = maps.max(axis=(-2, -1)).astype(np.float32)
    scale = np.where(peaks > 0, peaks, np.float32(1))[..., None, None]
    values = np.rint(maps / scale * 255).astype(np.uint8)
    return ByteMaps(values, peaks)
