"""Whether a rater agrees with himself: items of worklists that came again after the washout."""

from __future__ import annotations

from collections.abc import Sequence

from pathviewer.insights.agreement import PairAgreement, pair_agreement
from pathviewer.insights.chart import Cell, Chart, empty, with_interval
from pathviewer.insights.plots import dots
from pathviewer.insights.source import Source, rater_name
from pathviewer.insights.values import Label
from storage.statistics_rows import RepeatRow

ALL = "all raters"


def self_agreement(source: Source) -> Chart:
    """Raw agreement and Cohen's kappa of every rater's first and second verdicts."""
    raters = sorted({row.rater for row in source.repeats}, key=rater_name)
    found = [
        with_himself(rater_name(rater), [row for row in source.repeats if row.rater == rater])
        for rater in raters
    ]
    if len(found) > 1:
        found.append(with_himself(ALL, source.repeats))
    rows: list[tuple[Cell, ...]] = [
        (pair.first, pair.items, *with_interval(pair.raw), *with_interval(pair.cohen))
        for pair in found
    ]
    chart = Chart(
        "self_agreement",
        "Agreement of raters with themselves",
        "Verdicts on answers of worklists that came to the same rater again after the washout, "
        "without being told the first: share that is the same, and Cohen's kappa. Intervals are "
        "over cases.",
        ("rater", "completions", "raw", "low", "high", "kappa", "low", "high"),
        rows,
        dots(
            [pair.first for pair in found],
            {
                "raw": [pair.raw for pair in found],
                "Cohen's kappa": [pair.cohen for pair in found],
            },
            "agreement",
            line=0,
        ),
    )
    return chart if found else empty(chart, "No item came to anybody a second time yet.")


def with_himself(name: str, rows: Sequence[RepeatRow]) -> PairAgreement:
    """First verdicts against second ones."""
    pairs = [
        (
            Label(row.case, row.completion, "first", row.first),
            Label(row.case, row.completion, "again", row.again),
        )
        for row in rows
    ]
    return pair_agreement(name, name, pairs)
