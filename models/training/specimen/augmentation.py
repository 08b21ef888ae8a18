"""Augmentation of an item's picture that preserves its facts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.training.data.items import TrainingItem
from models.training.data.tile_augmentation import AugmentationRange, recolour
from models.training.specimen.measures import open_space

BY_LIGHT = frozenset({"open space", "cellularity"})
"""Question types that an equalised picture cannot answer, since its brightness is always the
same.
"""


def augment_item(
    item: TrainingItem, rgb: NDArray[np.uint8], look: AugmentationRange, draw: np.random.Generator
) -> NDArray[np.uint8]:
    """Augment an item's picture, (height, width, 3), preserving its open space.

    Open space depends on brightness: another exposure turns pale tissue into it, or the reverse, on
    one picture in four (`measures.open_mask`). The other claims hardly change.
    """
    accepted = item.facts.claims.get("open space", ())
    if item.question_type in BY_LIGHT:
        look = replace(look, equalised=0.0)
    return recolour(rgb, look, draw, lambda shown: not accepted or open_space(shown)[0] in accepted)
