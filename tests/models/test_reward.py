"""The formulas over the six events, and agreement between raters."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reward import (
    ABSENCES,
    ERRORS,
    EVENTS,
    completeness,
    efficiency,
    factuality,
    kappa,
    score_events,
    score_labels,
)


@pytest.mark.parametrize(
    ("events", "integrity", "knowledge", "reward"),
    [
        ([], 1.0, 1.0, 1.0),
        (["missing_knowledge"], 0.6, 1.0, 0.8),
        (["missing_knowledge", "missing_image_features"], 0.2, 1.0, 0.6),
        (list(ABSENCES), 0.0, 1.0, 0.5),  # 1 - 1.2 is held at 0
        (["contradiction"], 1.0, 0.6, 0.8),
        (["contradiction", "contradiction"], 1.0, 0.6, 0.8),  # two steps, one kind of error
        (["missing_knowledge", "wrong_definition"], 0.6, 0.6, 0.6),
        ([*ABSENCES, *ERRORS], 0.0, 0.0, 0.0),
        (["not_in_region"], 1.0, 1.0, 1.0),  # recorded, outside the formula
    ],
)
def test_the_published_formula(
    events: list[str], integrity: float, knowledge: float, reward: float
) -> None:
    score = score_events(events)
    assert (score.integrity, score.knowledge) == (integrity, knowledge)
    assert score.reward == pytest.approx(reward)


def test_more_events_never_earn_more() -> None:
    names = list(EVENTS)
    subsets = chain.from_iterable(combinations(names, size) for size in range(len(names)))
    for subset in subsets:
        for name in set(names) - set(subset):
            assert score_events({*subset, name}).reward <= score_events(subset).reward


def test_labels_come_to_the_same() -> None:
    steps = [{"contradiction"}, set(), {"contradiction", "wrong_criterion", "not_in_region"}]
    assert score_labels({"missing_knowledge"}, steps) == score_events(
        {"missing_knowledge", "contradiction", "wrong_criterion"}
    )


@pytest.mark.parametrize(
    ("absences", "steps"),
    [
        ({"missing_knowledge"}, [{"missing_image_features"}]),  # an absence is no step's
        ({"contradiction"}, []),  # an error is no trace's
        (set(), [{"rude"}]),  # no such event
    ],
)
def test_labels_that_cannot_be(absences: set[str], steps: list[set[str]]) -> None:
    with pytest.raises(ValueError, match=r"is misplaced|Unknown event"):
        score_labels(absences, steps)


def test_the_steps_measures() -> None:
    assert efficiency(["Citation", "Reasoning", "Reasoning", "Redundancy"]) == 0.5
    assert factuality([True, False, True, True]) == 0.75
    assert completeness([True, False]) == 0.5
    assert efficiency([]) is factuality([]) is completeness([]) is None


def test_kappa_of_a_table_worked_by_hand() -> None:
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: seen 0.7, by chance 0.5
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([]) is None
    assert kappa([(1, 1), (1, 1)]) is None


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_kappa_is_symmetric_and_at_most_one(pairs: list[tuple[int, int]]) -> None:
    value = kappa(pairs)
    other = kappa([(right, left) for left, right in pairs])
    assert (value is None) == (other is None)
    if value is not None and other is not None:
        assert value == pytest.approx(other)
        assert value <= 1
        assert (value == 1) == all(left == right for left, right in pairs)
