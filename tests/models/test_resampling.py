"""Intervals and the test, against cases whose answer is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.resampling import (
    difference_interval,
    permutation_p,
    share_interval,
    sum_by_group,
    wilson_interval,
)


def test_single_items_give_the_binomial_interval() -> None:
    found = share_interval([1.0] * 70 + [0.0] * 30, range(100))
    assert found is not None
    assert found.mean == pytest.approx(0.7)
    # normal approximation of a binomial: 0.7 +- 1.96 * sqrt(0.21 / 100)
    assert found.low == pytest.approx(0.61, abs=0.012)
    assert found.high == pytest.approx(0.79, abs=0.012)
    assert (found.n, found.groups) == (100, 100)


def test_items_that_agree_within_their_group_widen_the_interval() -> None:
    values = [1.0] * 70 + [0.0] * 30
    single = share_interval(values, range(100))
    grouped = share_interval(values, [place // 10 for place in range(100)])
    assert single is not None
    assert grouped is not None
    assert grouped.groups == 10
    # ten groups of ten equal items are worth ten items: sqrt(10) times wider
    ratio = (grouped.high - grouped.low) / (single.high - single.low)
    assert ratio == pytest.approx(10**0.5, rel=0.15)


@pytest.mark.long
def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(100):
        chances = rng.beta(6, 2, size=60)
        values = (rng.random((60, 5)) < chances[:, None]).astype(float).ravel()
        found = share_interval(values, np.repeat(np.arange(60), 5).tolist(), seed=trial)
        assert found is not None
        covered += found.low <= 0.75 <= found.high
    assert 0.88 <= covered / 100 <= 0.99


def test_certainty_is_never_claimed() -> None:
    perfect = share_interval([1.0] * 40, [place // 2 for place in range(40)])
    assert perfect is not None
    assert (perfect.low, perfect.high) == pytest.approx(wilson_interval(1.0, 20))
    assert 0.8 < perfect.low < 0.9  # rule of three: 1 - 3 / 20
    alone = share_interval([1.0, 0.0, 1.0], ["a", "a", "a"])
    assert alone is not None
    assert alone.high - alone.low > 0.7


@pytest.mark.parametrize(
    ("differences", "groups", "mean"),
    [
        ([1.0, 1.0, 0.0, 1.0], ["a"] * 4, 0.75),  # a single group
        ([1.0] * 5, range(5), 1.0),
        ([0.0] * 5, range(5), 0.0),
        ([0.1, 0.1, 0.1], range(3), 0.1),
        ([1.0, -1.0] * 3, [0, 0, 1, 1, 2, 2], 0.0),
    ],
)
def test_a_difference_without_spread_has_no_bounds(
    differences: list[float], groups: list[object], mean: float
) -> None:
    found = difference_interval(differences, groups)
    assert found is not None
    assert found.mean == pytest.approx(mean)
    assert found.low is None
    assert found.high is None


def test_a_difference_with_spread_has_bounds() -> None:
    found = difference_interval([1.0, 1.0, 0.0, -1.0], ["a", "a", "b", "c"])
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low < found.mean < found.high <= 1


def test_nothing_has_no_interval() -> None:
    assert share_interval([], []) is None
    assert difference_interval([], []) is None
    assert permutation_p([], []) == 1.0


def test_wilson_equals_its_published_example() -> None:
    # R: prop.test(15, 148, correct = FALSE)$conf.int
    assert wilson_interval(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)


def test_the_exact_test_equals_enumeration() -> None:
    differences = [1.0, 1.0, -1.0, 1.0, 0.0, 1.0, 1.0, -1.0, 1.0]
    groups = ["a", "a", "b", "b", "c", "d", "e", "f", "f"]
    sums, _ = sum_by_group(differences, groups)
    patterns = list(product((1, -1), repeat=len(sums)))
    extreme = sum(abs(np.dot(signs, sums)) >= abs(sums.sum()) - 1e-9 for signs in patterns)
    assert permutation_p(differences, groups) == pytest.approx(extreme / len(patterns))


def test_five_groups_all_better_have_a_p_of_one_in_sixteen() -> None:
    assert permutation_p([1.0] * 5, range(5)) == pytest.approx(2 / 32)


def test_the_drawn_test_agrees_with_the_exact_one() -> None:
    rng = np.random.default_rng(0)
    differences = rng.choice([1.0, -1.0], size=20, p=[0.75, 0.25])
    ahead = int(abs(differences.sum()))
    # 20 signs: exact two-sided binomial tail
    tails = sum(abs(20 - 2 * wins) >= ahead for wins in _coins(20)) / 2**20
    assert permutation_p(differences, range(20)) == pytest.approx(tails, abs=0.01)


def _coins(count: int) -> list[int]:
    """Number of heads of every one of the 2**count outcomes."""
    return [int(place).bit_count() for place in range(2**count)]


def test_no_difference_is_found_about_one_time_in_twenty() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for trial in range(200):
        differences = rng.choice([1.0, 0.0, -1.0], size=90)
        groups = [place // 3 for place in range(90)]
        found += permutation_p(differences, groups, seed=trial, draws=500) < 0.05
    assert found / 200 < 0.09


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.integers(0, 5)), min_size=1, max_size=30))
def test_the_mean_lies_within_its_interval(items: list[tuple[float, int]]) -> None:
    values = [value for value, _ in items]
    found = share_interval(values, [group for _, group in items])
    assert found is not None
    assert 0.0 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= 1.0
