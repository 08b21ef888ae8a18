"""Attention supervision: attention is trained to lie on the evidence of a measured claim.

The evidence of a claim such as “Most nuclei: upper left” consists of known pixels. While the
network writes the claim, the mean of its heads' and layers' attention over the picture is drawn
towards them by a cross-entropy added to that of the words, as Liu et al. train alignments in
translation (Neural Machine Translation with Supervised Attention, COLING 2016). This does not train
the network to use what it attends to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.training.data.tiles import QUADRANTS
from models.training.specimen.measures import cell_shares, nuclear_mask, open_mask

CLAIM = re.compile(r"(Cellularity|Open space|Most nuclei): ([a-z]+(?: [a-z]+)?)")
"""A claim in a trace whose evidence can be measured."""
LEAST_EVIDENCE = 0.01
"""Share of the picture that the evidence must cover to be a target."""


@dataclass(frozen=True)
class EvidenceSpan:
    """Evidence for some words of a trace."""

    start: int
    """First character of the words."""
    stop: int
    """One past the last character."""
    mask: NDArray[np.bool_]
    """(height, width): mask of the evidence pixels."""


def find_evidence_spans(words: str, rgb: NDArray[np.uint8]) -> list[EvidenceSpan]:
    """Claims of a trace with evidence in the picture, (height, width, 3) uint8."""
    spans = [
        EvidenceSpan(*match.span(), evidence_mask(match[1], match[2], rgb))
        for match in CLAIM.finditer(words)
    ]
    return [span for span in spans if span.mask.mean() >= LEAST_EVIDENCE]


def evidence_mask(claim: str, value: str, rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(height, width): open space for itself, otherwise nuclei, in a quadrant if one is named."""
    light = open_mask(rgb)
    if claim == "Open space":
        return light
    nuclear = nuclear_mask(rgb) & ~light
    return nuclear & quadrant_mask(value, nuclear.shape) if claim == "Most nuclei" else nuclear


def quadrant_mask(name: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """(height, width): mask of a quadrant such as `upper left`."""
    down, right = divmod(QUADRANTS.index(name), 2)
    rows, columns = np.indices(shape)
    inside: NDArray[np.bool_] = (rows * 2 // shape[0] == down) & (columns * 2 // shape[1] == right)
    return inside


def cell_targets(mask: NDArray[np.bool_], rows: int, columns: int) -> Tensor:
    """(rows x columns,): target attention over the picture's tokens, summing to 1."""
    shares = cell_shares(mask.astype(np.uint8), rows, columns).ravel()
    return torch.from_numpy(shares / shares.sum())


class PictureAttention:
    """Attention of some tokens to their pictures, collected during a forward pass."""

    def __init__(self, points: Tensor, pictures: Tensor) -> None:
        """`points` (n, 2): sequence and position of each query; `pictures` (batch, tokens) bool."""
        self._sequences = [int(each) for each in torch.unique(points[:, 0])]
        self._places = [points[points[:, 0] == each, 1] for each in self._sequences]
        self._pictures = [pictures[each].nonzero()[:, 0] for each in self._sequences]
        self._layers: list[list[Tensor]] = []

    def take(self, layer: int, query: Tensor, key: Tensor, scaling: float | None) -> None:
        """Collect the attention of one layer; shapes as in `capture.QuerySink`."""
        del layer
        scale = query.shape[3] ** -0.5 if scaling is None else scaling
        shape = key.shape[1], -1, query.shape[3]
        mean_weights = []
        for sequence, places, picture in zip(
            self._sequences, self._places, self._pictures, strict=True
        ):
            asked = query[sequence][:, places].float().reshape(shape)  # queries of each key head
            scores = (asked @ key[sequence].float().transpose(1, 2)) * scale
            scores = scores.view(query.shape[1], len(places), -1)
            later = torch.arange(scores.shape[2], device=places.device) > places[:, None]
            weights = scores.masked_fill(later, float("-inf")).softmax(-1).mean(0)
            mean_weights.append(weights[:, picture])
        self._layers.append(mean_weights)

    def rows(self) -> list[Tensor]:
        """For each sequence with points, (points, cells): mean of the layers, summing to 1."""
        means = [torch.stack(layer_rows).mean(0) for layer_rows in zip(*self._layers, strict=True)]
        return [mean / mean.sum(1, keepdim=True) for mean in means]


def pointing_loss(rows: Sequence[Tensor], targets: Tensor) -> tuple[Tensor, float]:
    """Cross-entropy of attention against targets (n, most cells), and their mean overlap, 0 to 1.

    `rows` are those of `PictureAttention`, in the order of the targets, which are padded with 0.
    """
    losses, overlaps, first = [], [], 0
    for row in rows:
        aimed = targets[first : first + len(row), : row.shape[1]]
        first += len(row)
        losses.append(-(aimed * row.clamp_min(1e-9).log()).sum(1))
        overlaps.append(torch.minimum(aimed, row.detach()).sum(1))
    return torch.cat(losses).mean(), torch.cat(overlaps).mean().item()
