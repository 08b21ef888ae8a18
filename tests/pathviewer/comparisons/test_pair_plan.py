"""Plans of pairs: what may be compared, and that a pair's probability is how often it is drawn."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.comparisons.pair_plan import PAIR_PLANS, draw_pairs
from pathviewer.worklists.errors import WorklistError
from storage.comparisons.pairs import FrozenCompletion

ANSWER = FrozenCompletion("i", "c", "text", "tiny", "r1", "p" * 64, "What?")
"""One that differs in a field stands for another."""


@st.composite
def lists(draw_: st.DrawFn) -> list[FrozenCompletion]:
    """Answers to a few items, some of the same text, by two models of two revisions."""
    numbers = count()
    return [
        FrozenCompletion(
            f"i{item}",
            f"c{next(numbers):03}",
            draw_(st.sampled_from("abcdef")),
            draw_(st.sampled_from(["tiny", "large"])),
            draw_(st.sampled_from(["r1", "r2"])),
            draw_(st.sampled_from(["p", "q"])),
            "What?",
        )
        for item in range(draw_(st.integers(1, 4)))
        for _ in range(draw_(st.integers(1, 5)))
    ]


@given(lists(), st.sampled_from(PAIR_PLANS), st.integers(1, 30), st.integers(0, 99))
def test_what_is_drawn_can_be_compared_and_is_drawn_again(
    answers: list[FrozenCompletion], plan: str, wanted: int, seed: int
) -> None:
    known = {answer.completion_id: answer for answer in answers}
    try:
        drawn = draw_pairs(answers, plan, wanted, seed)
    except WorklistError:
        return
    assert draw_pairs(answers, plan, wanted, seed) == drawn
    assert len({(p.one_completion_id, p.other_completion_id) for p in drawn.pairs}) == len(
        drawn.pairs
    )
    told = [
        (pair.item_id, frozenset((a.text, a.model, a.model_revision) for a in both))
        for pair in drawn.pairs
        for both in [(known[pair.one_completion_id], known[pair.other_completion_id])]
    ]
    assert len(set(told)) == len(told)
    for pair in drawn.pairs:
        one, other = known[pair.one_completion_id], known[pair.other_completion_id]
        assert one.item_id == other.item_id == pair.item_id
        assert (one.pixels_sha256, one.prompt) == (other.pixels_sha256, other.prompt)
        assert one.text != other.text
        assert 0 < pair.probability <= 1
        if plan == "between-models":
            assert (one.model, one.model_revision) != (other.model, other.model_revision)
    if plan != "all":
        assert len(drawn.pairs) <= wanted


@pytest.mark.parametrize("plan", PAIR_PLANS)
def test_the_probability_is_how_often_a_pair_is_drawn(plan: str) -> None:
    """Two items, of three and of two answers, by two models; one says the same twice."""
    answers = [
        replace(ANSWER, item_id=item, completion_id=f"{item}{n}", text=f"{n}", model=f"m{n % 2}")
        for item, answered in (("i", 3), ("j", 2))
        for n in range(answered)
    ]
    answers.insert(3, replace(answers[0], completion_id="i0again"))
    times = 3000
    stated: dict[tuple[str, str], float] = {}
    found: Counter[tuple[str, str]] = Counter()
    for seed in range(times):
        for pair in draw_pairs(answers, plan, 1, seed).pairs:
            both = (pair.one_completion_id, pair.other_completion_id)
            stated[both] = pair.probability
            found[both] += 1
    for both, probability in stated.items():
        assert found[both] / times == pytest.approx(probability, abs=0.03), both


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(ANSWER, completion_id="d"), "1 have the same text"),
        (replace(ANSWER, completion_id="d", text="x", prompt="y"), "1 have different pixels"),
        (replace(ANSWER, completion_id="d", item_id="j", text="x"), "0 pairs of answers"),
    ],
)
def test_what_cannot_be_compared_is_told(other: FrozenCompletion, told: str) -> None:
    with pytest.raises(WorklistError, match=told):
        draw_pairs([ANSWER, other], "uniform", None, 0)


def test_the_same_two_texts_by_the_same_models_are_one_pair() -> None:
    again = replace(ANSWER, completion_id="d")
    other = replace(ANSWER, completion_id="e", text="x")
    by_another = replace(other, completion_id="f", model="large")
    drawn = draw_pairs([ANSWER, again, other, by_another], "all", None, 0)
    both = [(pair.one_completion_id, pair.other_completion_id) for pair in drawn.pairs]
    assert sorted(both) == [("c", "e"), ("c", "f")]
    assert (drawn.same_text, drawn.repeated) == (2, 2)


def test_an_unknown_plan_is_refused() -> None:
    with pytest.raises(WorklistError, match="“best” is not a plan; use one of one-per-item"):
        draw_pairs([ANSWER], "best", None, 0)
