"""Evidence maps: how much each place of a picture supports the words of a completion.

A place is occluded by replacing its visual tokens by the mean visual token of its picture. The
picture's mean token is the baseline at which occlusion points at the evidence; grey, white or zero
tokens are outside of what a network has seen, and mislead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.messages import ImagePlacement


@dataclass(frozen=True)
class OcclusionRows:
    """Log-probabilities of a completion's tokens with places of one picture occluded."""

    places: NDArray[np.bool_]
    """(places, rows, columns): the cells that each replay occludes."""
    baseline: NDArray[np.float32]
    """(tokens,): natural log-probability of each token with the picture as it is."""
    averaged: NDArray[np.float32]
    """(tokens,): the same with all visual tokens replaced by their mean."""
    occluded: NDArray[np.float32]
    """(places, tokens): log-probability of each token with a place occluded."""

    def losses(self, tokens: range) -> NDArray[np.float32]:
        """(places,): how much log-probability the tokens lose together, in nats."""
        chosen = slice(tokens.start, tokens.stop)
        lost = self.baseline[None, chosen] - self.occluded[:, chosen]
        total: NDArray[np.float32] = lost.sum(1, dtype=np.float64).astype(np.float32)
        return total

    def loss_of_all(self, tokens: range) -> float:
        """How much log-probability the tokens lose without any place, in nats."""
        chosen = slice(tokens.start, tokens.stop)
        lost = self.baseline[chosen] - self.averaged[chosen]
        return float(lost.sum(dtype=np.float64))

    def cell_map(self, tokens: range) -> NDArray[np.float32]:
        """(rows, columns): loss of log-probability at each cell, in nats.

        A cell in several places, such as single cells and blocks, gets the mean of their losses per
        cell.
        """
        area = self.places.sum((1, 2), dtype=np.float64)
        share = self.losses(tokens) / area
        covered = self.places.sum(0, dtype=np.float64)
        total = (self.places * share[:, None, None]).sum(0)
        values: NDArray[np.float32] = (total / np.maximum(covered, 1)).astype(np.float32)
        return values


def top_cells(values: NDArray[np.float32], share: float = 0.1) -> NDArray[np.bool_]:
    """(rows, columns): mask of the `share` of the cells with the greatest values, at least one."""
    count = max(1, round(values.size * share))
    chosen = np.zeros(values.size, np.bool_)
    chosen[np.argsort(-values, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(values.shape)


def join_occlusions(parts: Sequence[OcclusionRows]) -> OcclusionRows:
    """Join the rows of several requests about one completion and picture."""
    return OcclusionRows(
        np.concatenate([part.places for part in parts]),
        parts[0].baseline,
        parts[0].averaged,
        np.concatenate([part.occluded for part in parts]),
    )


def list_places(placement: ImagePlacement, sides: Sequence[int] = (1,)) -> NDArray[np.bool_]:
    """(places, rows, columns): every square of cells with these sides; squares may overlap.

    A side beyond the grid is left out.
    """
    rows, columns = placement.rows, placement.columns
    places = []
    for side in sides:
        for top in range(rows - side + 1):
            for left in range(columns - side + 1):
                place = np.zeros((rows, columns), np.bool_)
                place[top : top + side, left : left + side] = True
                places.append(place)
    return np.stack(places) if places else np.zeros((0, rows, columns), np.bool_)
