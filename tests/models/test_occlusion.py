"""Evidence maps from the log-probabilities under occlusion."""

from __future__ import annotations

import numpy as np
import pytest

from models.messages import Box, ImagePlacement
from models.occlusion import OcclusionRows, list_places

PLACEMENT = ImagePlacement(Box(0, 0, 56, 84), 56, 84, 2, 3)


def test_places_are_all_squares_of_cells() -> None:
    ones, both = list_places(PLACEMENT), list_places(PLACEMENT, (1, 2))
    assert ones.shape == (6, 3, 2)
    assert np.array_equal(ones.reshape(6, 6), np.eye(6))
    assert both.shape == (8, 3, 2)
    assert [int(place.sum()) for place in both] == [1] * 6 + [4] * 2
    assert list_places(PLACEMENT, (3,)).shape == (0, 3, 2)


def rows(sides: tuple[int, ...] = (1,)) -> OcclusionRows:
    """Two tokens, of which the second depends on the cell at row 1, column 1 alone."""
    places = list_places(PLACEMENT, sides)
    occluded = np.full((len(places), 2), -1, np.float32)
    occluded[places[:, 1, 1], 1] = -3
    baseline, averaged = (np.array(each, np.float32) for each in ([-1, -1], [-1.5, -4]))
    return OcclusionRows(places, baseline, averaged, occluded)


def test_a_map_is_the_loss_of_the_chosen_tokens() -> None:
    found = rows()
    assert found.cell_map(range(1)).tolist() == [[0, 0]] * 3
    expected = [[0, 0], [0, 2], [0, 0]]
    assert found.cell_map(range(1, 2)).tolist() == expected
    assert found.cell_map(range(2)).tolist() == expected
    assert found.loss_of_all(range(2)) == pytest.approx(3.5)
    assert found.loss_of_all(range(1)) == pytest.approx(0.5)


def test_blocks_share_their_loss_among_their_cells() -> None:
    values = rows((1, 2)).cell_map(range(1, 2))
    # the cell is in itself and in two blocks, which lose 2 nats over 4 cells each
    assert values[1, 1] == pytest.approx((2 + 0.5 + 0.5) / 3)
    assert values[0, 0] == pytest.approx((0 + 0.5) / 2)
    assert values.argmax() == 3
