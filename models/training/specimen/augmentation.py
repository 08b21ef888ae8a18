"""New looks of an item's picture, of which what is said about it stays true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.training.data.items import TrainingItem
from models.training.data.tile_augmentation import AugmentationRange, recolour
from models.training.specimen.measures import open_space

BY_LIGHT = frozenset({"open space", "cellularity"})
"""Question types that an equalised picture does not answer: it is as light and as dark as any."""


def augment_item(
    item: TrainingItem, rgb: NDArray[np.uint8], look: AugmentationRange, draw: np.random.Generator
) -> NDArray[np.uint8]:
    """The item's picture, (height, width, 3), in a look in which its open space is the same.

    Open space is a matter of light: another exposure turns pale tissue into it, or it into tissue,
    on one picture in four (`measures.open_mask`). The other claims hardly move.
    """
    accepted = item.facts.claims.get("open space", ())
    if item.question_type in BY_LIGHT:
        look = replace(look, equalised=0.0)
    return recolour(rgb, look, draw, lambda shown: not accepted or open_space(shown)[0] in accepted)
