"""A rater against himself: figures worked out by hand."""

from __future__ import annotations

import pytest

from pathviewer.insights.self_agreement import self_agreement, with_himself
from pathviewer.insights.source import Source, rater_name
from storage.statistics_rows import Choices, RepeatRow


def row(case: int, first: str, again: str, who: str = "ada") -> RepeatRow:
    return RepeatRow(f"case {case}", f"answer {case}", who, first, again)


def test_raw_agreement_and_kappa_of_a_table() -> None:
    """20 twice correct, 15 twice incorrect, 5 and 10 changed: p_a 0.7, p_e 0.5, kappa 0.4."""
    table = [("correct", "correct")] * 20 + [("incorrect", "incorrect")] * 15
    table += [("correct", "incorrect")] * 5 + [("incorrect", "correct")] * 10
    found = with_himself("Ada", [row(number, *said) for number, said in enumerate(table)])
    assert (found.items, found.raw.value) == (50, pytest.approx(0.7))
    assert found.cohen.value == pytest.approx(0.4)
    for one in (found.raw, found.cohen):
        assert one.low is not None and one.high is not None and one.value is not None
        assert one.low < one.value < one.high
    assert (found.raw.low, found.raw.high) == pytest.approx((0.57, 0.82), abs=0.05)


def test_every_rater_has_a_row_and_all_together_one() -> None:
    rows = [row(1, "correct", "correct"), row(2, "correct", "incorrect", "bob")]
    nothing = Choices([], [], [], [], [])
    chart = self_agreement(Source(nothing, repeats=rows))
    assert {each[:3] for each in chart.rows} == {
        (rater_name("ada"), 1, 1.0),
        (rater_name("bob"), 1, 0.0),
        ("all raters", 2, 0.5),
    }
