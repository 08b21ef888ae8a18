"""The reward's formulas over the six events, and its total."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from models.reward import (
    ABSENCES,
    ERRORS,
    EVENTS,
    HIGHEST_TOTAL,
    RIGHT,
    WRONG,
    right_or_wrong,
    score_events,
    score_labels,
    total_reward,
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


@pytest.mark.parametrize(
    ("process", "accuracy", "form", "total"),
    [
        (1.0, RIGHT, RIGHT, HIGHEST_TOTAL),
        (0.8, WRONG, RIGHT, 1.8),
        (0.0, WRONG, WRONG, 0.0),
    ],
)
def test_the_total_is_the_sum_of_its_parts(
    process: float, accuracy: float, form: float, total: float
) -> None:
    assert total_reward(process, accuracy, form) == pytest.approx(total)


def test_what_is_right_earns_one_and_what_is_wrong_nothing() -> None:
    assert (right_or_wrong(True), right_or_wrong(False)) == (1, 0)
    assert HIGHEST_TOTAL == 3
