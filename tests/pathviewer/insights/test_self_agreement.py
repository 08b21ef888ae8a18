"""A rater against himself: figures worked out by hand, and those of a library."""

from __future__ import annotations

from collections import Counter

import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from pathviewer.insights.data_source import ChartData, rater_name
from pathviewer.insights.self_agreement import compare_repeats, self_agreement
from storage.statistics.records import FilterChoices, RepeatRow


def row(case: int, first: str, again: str, who: str = "ada") -> RepeatRow:
    return RepeatRow(f"case {case}", f"answer {case}", who, first, again)


def test_raw_agreement_and_kappa_of_a_table() -> None:
    """20 twice correct, 15 twice incorrect, 5 and 10 changed: p_a 0.7, p_e 0.5, kappa 0.4."""
    table = [("correct", "correct")] * 20 + [("incorrect", "incorrect")] * 15
    table += [("correct", "incorrect")] * 5 + [("incorrect", "correct")] * 10
    found = compare_repeats("Ada", [row(number, *said) for number, said in enumerate(table)])
    assert found.items == 50
    assert found.raw.value == pytest.approx(0.7)
    assert found.cohen.value == pytest.approx(0.4)
    for one in (found.raw, found.cohen):
        assert one.low is not None and one.high is not None and one.value is not None
        assert one.low < one.value < one.high
    assert (found.raw.low, found.raw.high) == pytest.approx((0.57, 0.82), abs=0.05)


def test_every_rater_has_a_row_and_all_together_one() -> None:
    rows = [row(1, "correct", "correct"), row(2, "correct", "incorrect", "bob")]
    nothing = FilterChoices([], [], [], [], [])
    chart = self_agreement(ChartData(nothing, repeats=rows, repeated_votes=[row(1, "tie", "tie")]))
    assert {each[:4] for each in chart.rows} == {
        (rater_name("ada"), "verdict", 1, 1.0),
        (rater_name("bob"), "verdict", 1, 0.0),
        ("all raters", "verdict", 2, 0.5),
        (rater_name("ada"), "preference", 1, 1.0),
    }


def test_votes_agree_as_statsmodels_has_it() -> None:
    said = ("first", "second", "tie", "both_bad")
    table = [[9, 3, 2, 0], [2, 11, 1, 1], [1, 2, 4, 0], [0, 1, 1, 2]]  # first vote by second
    votes = [
        (first, again)
        for first, counts in zip(said, table, strict=True)
        for again, count in zip(said, counts, strict=True)
        for _ in range(count)
    ]
    rows = [row(number, *vote) for number, vote in enumerate(votes)]
    chart = self_agreement(ChartData(FilterChoices([], [], [], [], []), repeated_votes=rows))
    ((who, about, pairs, raw, _, _, kappa, low, high),) = chart.rows
    assert (who, about, pairs) == (rater_name("ada"), "preference", 40)
    assert raw == Counter(first == again for first, again in votes)[True] / 40
    assert kappa == pytest.approx(cohens_kappa(table, return_results=False))
    assert isinstance(low, float) and isinstance(high, float) and isinstance(kappa, float)
    assert low < kappa < high
