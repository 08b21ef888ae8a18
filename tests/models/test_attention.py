from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.attention import (
    AttentionMap,
    attention_map,
    join_rows,
    layer_maps,
    normalise_map,
    scale_to_bytes,
)
from models.errors import ModelError
from models.messages import AttentionRows, Box, PixelBudget
from models.placement import place_picture

BUDGET = PixelBudget(3136, 65_536)
SMALL = place_picture(Box(0, 0, 400, 400), 112, 112, BUDGET)  # 4 x 4 cells
WIDE = place_picture(Box(900, 0, 600, 200), 252, 84, BUDGET)  # 9 x 3 cells
BOTH = (SMALL, WIDE)


def random_rows(tokens: int = 6, layers: int = 3, seed: int = 0, first: int = 0) -> AttentionRows:
    """Rows over both pictures, of which text takes some of the attention."""
    drawn = np.random.default_rng(seed).dirichlet(np.ones(16 + 27 + 10), (tokens, layers))
    return AttentionRows("r", 0, first, drawn[..., :43].astype(np.float32))


def map_of(weights: NDArray[np.float64], share: float = 0.5) -> AttentionMap:
    """A map of these weights, scaled to sum to 1."""
    height, width = weights.shape
    placed = place_picture(Box(0, 0, 10, 10), width * 28, height * 28, PixelBudget(784, 10**7))
    even = (weights / weights.sum()).astype(np.float32)
    return AttentionMap(0, placed, range(1), range(1), even, share)


weights_of_cells = st.lists(st.floats(0, 1), min_size=16, max_size=16).map(
    lambda values: np.array(values).reshape(4, 4) + 1e-6
)


@given(st.integers(0, 1), st.integers(0, 5), st.integers(1, 6), st.integers(0, 99))
def test_a_map_sums_to_one_and_keeps_the_share(
    image: int, start: int, length: int, seed: int
) -> None:
    rows = random_rows(seed=seed)
    tokens = range(start, min(6, start + length))
    found = attention_map(rows, BOTH, image, tokens)
    part = slice(0, 16) if image == 0 else slice(16, 43)
    expected = rows.rows[tokens.start : tokens.stop, :, part].sum(axis=2).mean()
    assert found.weights.sum() == pytest.approx(1, abs=1e-5)
    assert found.image_share == pytest.approx(expected, abs=1e-5)
    assert found.weights.shape == (BOTH[image].rows, BOTH[image].columns)
    assert found.weights.dtype == np.float32
    assert 0 <= found.entropy <= 1


def test_a_map_is_the_mean_of_its_tokens_and_layers() -> None:
    rows = random_rows()
    found = attention_map(rows, BOTH, 1, range(2, 4), range(1, 3))
    mean = rows.rows[2:4, 1:3, 16:].mean(axis=(0, 1))
    assert np.allclose(found.weights.ravel(), mean / mean.sum(), atol=1e-6)
    assert (found.tokens, found.layers, found.image_index) == (range(2, 4), range(1, 3), 1)


def test_rows_that_begin_later_are_counted_from_there() -> None:
    whole = random_rows()
    later = replace(whole, first_token=2, rows=whole.rows[2:])
    expected = attention_map(whole, BOTH, 0, range(3, 5))
    assert np.array_equal(attention_map(later, BOTH, 0, range(3, 5)).weights, expected.weights)
    with pytest.raises(ModelError, match="no attention of tokens 1 to 2"):
        attention_map(later, BOTH, 0, range(1, 3))


def test_pieces_are_joined_in_the_order_of_tokens() -> None:
    whole = random_rows()
    pieces = [replace(whole, first_token=i, rows=whole.rows[i : i + 2]) for i in (4, 0, 2)]
    assert np.array_equal(join_rows(pieces).rows, whole.rows)
    with pytest.raises(ModelError, match="token 2 is missing"):
        join_rows(pieces[:2])
    with pytest.raises(ModelError, match="came twice"):
        join_rows([*pieces, pieces[1]])
    with pytest.raises(ModelError, match="no attention"):
        join_rows([])


@pytest.mark.parametrize(
    ("tokens", "layers", "message"),
    [
        (range(0), None, "no attention of tokens"),
        (range(5, 8), None, "no attention of tokens"),
        (range(0, 4, 2), None, "no attention of tokens"),
        (range(2), range(3, 4), "layers 0 to 2"),
        (range(2), range(0), "layers 0 to 2"),
    ],
)
def test_what_was_not_reported_is_refused(
    tokens: range, layers: range | None, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        attention_map(random_rows(), BOTH, 0, tokens, layers)


def test_rows_of_other_pictures_are_refused() -> None:
    with pytest.raises(ModelError, match="belongs to other pictures"):
        attention_map(random_rows(), (SMALL,), 0, range(2))


def test_rows_that_are_no_attention_are_refused() -> None:
    rows = random_rows()
    rows.rows[1, 1, 3] = np.nan
    with pytest.raises(ModelError, match="not shares"):
        attention_map(rows, BOTH, 0, range(3))


def test_a_picture_that_got_nothing_is_diffuse() -> None:
    rows = AttentionRows("r", 0, 0, np.zeros((2, 3, 43), np.float32))
    found = attention_map(rows, BOTH, 0, range(2))
    assert found.image_share == 0
    assert found.entropy == pytest.approx(1)
    assert not found.is_localised


@given(weights_of_cells)
def test_a_map_against_itself_is_even_and_diffuse(weights: NDArray[np.float64]) -> None:
    found = map_of(weights)
    even = normalise_map(found, found)
    assert np.allclose(even.weights, 1 / 16, atol=1e-6)
    assert even.relative
    assert not even.is_localised
    assert even.image_share == found.image_share


@given(weights_of_cells, weights_of_cells)
def test_a_normalised_map_sums_to_one(
    weights: NDArray[np.float64], neutral: NDArray[np.float64]
) -> None:
    found = normalise_map(map_of(weights), map_of(neutral))
    assert found.weights.sum() == pytest.approx(1, abs=1e-5)
    assert (found.weights > 0).all()


def test_a_sink_common_to_both_vanishes() -> None:
    neutral = np.ones((9, 9))
    neutral[0, 0] = 200
    asked = neutral.copy()
    asked[5:8, 5:8] = 30
    raw = map_of(asked)
    found = normalise_map(raw, map_of(neutral))
    assert raw.top_cells(1 / 81)[0, 0]
    assert found.top_cells()[5:8, 5:8].sum() == 8
    assert found.is_localised


def test_maps_of_different_grids_are_refused() -> None:
    with pytest.raises(ModelError, match="same pixel budget"):
        normalise_map(map_of(np.ones((2, 3))), map_of(np.ones((3, 2))))


def tenth_with(share: float) -> AttentionMap:
    """Ten by ten cells of which ten hold `share` of the weight."""
    weights = np.full((10, 10), (1 - share) / 90)
    weights[3] = share / 10
    return map_of(weights)


@pytest.mark.parametrize(
    ("found", "localised"),
    [
        (tenth_with(0.1), False),  # even
        (tenth_with(1 / 3), False),  # the rule's own words
        (tenth_with(0.5), True),
        (tenth_with(1.0), True),
        (replace(tenth_with(1.0), image_share=0.005), False),  # hardly looked at the picture
        (map_of(np.ones((1, 1))), False),  # one cell points nowhere
    ],
)
def test_the_rule_of_localised(found: AttentionMap, localised: bool) -> None:
    assert found.is_localised is localised


def test_entropy_runs_from_one_cell_to_all() -> None:
    one = np.zeros((4, 4))
    one[2, 1] = 1
    assert map_of(one).entropy == 0
    assert map_of(one).spread == pytest.approx(1 / 16)
    assert map_of(np.ones((4, 4))).entropy == pytest.approx(1)
    assert map_of(np.ones((4, 4))).spread == pytest.approx(1)


@given(weights_of_cells, st.floats(0.01, 1))
def test_the_top_cells_are_the_heaviest(weights: NDArray[np.float64], share: float) -> None:
    found = map_of(weights)
    top = found.top_cells(share)
    assert top.sum() == max(1, round(16 * share))
    if not top.all():
        assert found.weights[top].min() >= found.weights[~top].max()


@given(st.integers(0, 99))
def test_bytes_lose_less_than_a_step(seed: int) -> None:
    rows = random_rows(seed=seed)
    maps = np.stack([layer_maps(rows, BOTH, 1, range(i, i + 2)) for i in (0, 2)])
    small = scale_to_bytes(maps)
    assert small.values.shape == (2, 3, 3, 9)
    assert small.values.dtype == np.uint8
    error = np.abs(small.restore() - maps)
    assert (error <= small.peaks[..., None, None] / 510 * 1.001).all()


def test_empty_maps_stay_empty_as_bytes() -> None:
    small = scale_to_bytes(np.zeros((2, 3, 4), np.float32))
    assert not small.values.any()
    assert not small.restore().any()
