from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.training.data.items import TrainingItem, make_items
from models.training.data.tile_augmentation import AugmentationRange
from models.training.data.tiles import read_tiles
from models.training.specimen.augmentation import augment_item
from models.training.specimen.grammar import Facts
from models.training.specimen.measures import open_space

PALE = np.full((56, 56, 3), (208, 199, 206), dtype=np.uint8)
"""Just too dark for open space: another exposure makes all of it open."""
COLOURED = AugmentationRange(equalised=0.0, grey=0.0, soften=0.0)


@pytest.fixture
def item(tiles: Path) -> TrainingItem:
    return next(iter(make_items(read_tiles(tiles), "train", count=1, seed=1)))


def about(item: TrainingItem, question_type: str, **claims: tuple[str, ...]) -> TrainingItem:
    told = {name.replace("_", " "): values for name, values in claims.items()}
    return replace(item, question_type=question_type, facts=Facts(told))


def looks(item: TrainingItem, look: AugmentationRange, count: int = 40) -> list[np.ndarray]:
    return [augment_item(item, PALE, look, np.random.default_rng(seed)) for seed in range(count)]


def test_a_new_look_leaves_the_open_space_that_was_measured(item: TrainingItem) -> None:
    free = looks(about(item, "diagnosis"), COLOURED)
    assert {open_space(rgb)[0] for rgb in free} == {"low", "high"}  # what is not known may move
    for question_type in ("diagnosis", "open space"):
        held = looks(about(item, question_type, open_space=("low",)), COLOURED)
        assert {open_space(rgb)[0] for rgb in held} == {"low"}
        assert len({rgb.tobytes() for rgb in held}) > 20


def test_a_picture_of_which_nothing_else_is_true_is_shown_as_scanned(item: TrainingItem) -> None:
    """Its open space as it is told is not that of the picture, so no colour is right."""
    shown = looks(about(item, "open space", open_space=("moderate",)), COLOURED, 3)
    assert all((rgb == PALE).all() for rgb in shown)


@pytest.mark.parametrize(
    ("question_type", "grey"), [("open space", False), ("cellularity", False), ("diagnosis", True)]
)
def test_light_is_not_asked_of_a_picture_without_it(
    item: TrainingItem, question_type: str, grey: bool
) -> None:
    shown = looks(about(item, question_type), replace(COLOURED, equalised=1.0), 5)
    assert [bool((rgb == rgb[..., :1]).all()) for rgb in shown] == [grey] * 5
