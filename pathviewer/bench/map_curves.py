"""Insertion and deletion curves of a map (Petsiuk et al., BMVC 2018).

Deletion blurs the cells of a map in its order, insertion shows them on a region that is blurred
elsewhere. A good map's words soon lose, or gain, what the whole region is worth to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.engines.local.engine import LocalEngine
from pathviewer.bench.map_cases import Case, Weights
from pathviewer.bench.map_methods import log_probabilities

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Shares of the cells, in the map's order, at which the words are weighed."""
LEAST_WORTH = 0.05
"""Nats below which the blurred region is worth nothing to the words, so there is no curve."""


@dataclass(frozen=True)
class Curves:
    """Share of the region's worth to the words, at each of SHARES."""

    deletion: tuple[float, ...]
    """Lost with so many of the first cells blurred; 0 to 1, and beyond by chance."""
    insertion: tuple[float, ...]
    """Gained with so many of the first cells shown."""

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve; about 0.5 for a map without order, 1 for a perfect one."""
        return float(np.trapezoid(self.deletion, SHARES))

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve."""
        return float(np.trapezoid(self.insertion, SHARES))


def draw_curves(engine: LocalEngine, case: Case, weights: Weights, fill: str) -> Curves | None:
    """Weigh the words along both curves; None if the region is worth nothing to them."""
    order = np.argsort(-weights, axis=None, kind="stable")
    deleted, kept = [], []
    for share in SHARES:
        mask = np.zeros(weights.size, np.bool_)
        mask[order[: round(share * weights.size)]] = True
        deleted.append(mask.reshape(weights.shape))
        kept.append(~mask.reshape(weights.shape))
    values = log_probabilities(engine, case, [*deleted, *kept], fill)
    whole, nothing = values[0], values[len(SHARES) - 1]
    if whole - nothing < LEAST_WORTH:
        return None
    shares = (np.array(values) - nothing) / (whole - nothing)
    return Curves(
        tuple((1 - np.clip(shares[: len(SHARES)], -1, 2)).tolist()),
        tuple(np.clip(shares[len(SHARES) :], -1, 2).tolist()),
    )


def mean_curves(curves: Sequence[Curves | None]) -> dict[str, object]:
    """The mean curves and their areas as JSON values; None without any."""
    drawn = [each for each in curves if each is not None]
    if not drawn:
        return {"deletion_area": None, "insertion_area": None, "deletion": [], "insertion": []}
    mean = Curves(
        tuple(np.mean([each.deletion for each in drawn], 0).tolist()),
        tuple(np.mean([each.insertion for each in drawn], 0).tolist()),
    )
    return {
        "deletion_area": mean.deletion_area,
        "insertion_area": mean.insertion_area,
        "deletion": list(mean.deletion),
        "insertion": list(mean.insertion),
    }
