"""Regions with one quadrant that clearly holds most nuclei, and where these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.evaluation.items import EvaluationItem
from models.training.specimen.measures import derive_facts, measure

SIDE = 224
"""Side of a region's picture, px."""


@dataclass(frozen=True)
class KnownRegion:
    """A region, the question about it, and the evidence for the answer."""

    item: EvaluationItem
    """The question which quadrant has most nuclei; its group is the slide or tile."""
    nuclei: NDArray[np.float64]
    """(nuclei, 2): x and y of each nucleus as shares of the region's side, 0 to 1."""

    def evidence(self, rows: int, columns: int) -> NDArray[np.float32]:
        """(rows, columns): nuclei in each cell of the right quadrant; 0 elsewhere."""
        counts = np.zeros((rows, columns), np.float32)
        across, down = (self.nuclei * (columns, rows)).astype(int).T
        np.add.at(counts, (np.clip(down, 0, rows - 1), np.clip(across, 0, columns - 1)), 1)
        vertical, horizontal = self.item.gold.split()
        counts[rows // 2 :] *= vertical == "lower"
        counts[: rows // 2] *= vertical == "upper"
        counts[:, columns // 2 :] *= horizontal == "right"
        counts[:, : columns // 2] *= horizontal == "left"
        return counts


def ask_for_quadrant(
    picture: Image.Image,
    counts: Mapping[str, int],
    image: Path,
    group: str,
    options: Sequence[str],
) -> EvaluationItem | None:
    """The question which quadrant of a picture has most nuclei; saves the picture as `image`.

    `counts` are the nuclei of each quadrant. None if the picture does not show what they say: it
    has no tissue, or is out of focus.
    """
    facts = derive_facts(measure(np.asarray(picture)), quadrants=counts)
    quadrant = facts.nominal("most nuclei")
    shown = facts.nominal("tissue"), facts.nominal("focus")
    if quadrant is None or shown != ("present", "sharp"):
        return None
    picture.save(image)
    return EvaluationItem(
        id=image.stem,
        image=image,
        question="Which quadrant has most nuclei?",
        gold=quadrant,
        options=tuple(options),
        group=group,
        question_type="quadrant",
        facts={claim: list(values) for claim, values in facts.claims.items()},
    )
