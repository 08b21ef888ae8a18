"""Whether a rater agrees with himself: items and pairs that came again after the washout."""

from __future__ import annotations

from collections.abc import Sequence

from pathviewer.insights.agreement import PairAgreement, pair_agreement
from pathviewer.insights.chart import Cell, Chart, empty, with_interval
from pathviewer.insights.data_source import Source, rater_name
from pathviewer.insights.plotly_charts import dots
from pathviewer.insights.values import Label
from storage.statistics.records import RepeatRow

ALL = "all raters"


def self_agreement(source: Source) -> Chart:
    """Raw agreement and Cohen's kappa of every rater's first and second verdicts and votes."""
    about = {"verdict": source.repeats, "preference": source.repeated_votes}
    found = [(name, each) for name, rows in about.items() for each in _by_rater(rows)]
    rows: list[tuple[Cell, ...]] = [
        (each.first, name, each.items, *with_interval(each.raw), *with_interval(each.cohen))
        for name, each in found
    ]
    measures = {
        "raw": [each.raw for _, each in found],
        "Cohen's kappa": [each.cohen for _, each in found],
    }
    chart = Chart(
        "self_agreement",
        "Agreement of raters with themselves",
        "Verdicts on answers of worklists, and preferences between two, that the same rater gave "
        "again after the washout without being told the first: share that is the same, and Cohen's "
        "kappa. Intervals are over cases.",
        ("rater", "about", "items", "raw", "low", "high", "kappa", "low", "high"),
        rows,
        dots([f"{each.first}, {name}" for name, each in found], measures, "agreement", line=0),
    )
    return chart if found else empty(chart, "Nothing came to anybody a second time yet.")


def _by_rater(rows: Sequence[RepeatRow]) -> list[PairAgreement]:
    """Each rater with himself; where there are several, all of them together at the end."""
    raters = sorted({row.rater for row in rows}, key=rater_name)
    found = [
        with_himself(rater_name(rater), [row for row in rows if row.rater == rater])
        for rater in raters
    ]
    return [*found, with_himself(ALL, rows)] if len(found) > 1 else found


def with_himself(name: str, rows: Sequence[RepeatRow]) -> PairAgreement:
    """What was said first against what was said again."""
    pairs = [
        (
            Label(row.case, row.item, "first", row.first),
            Label(row.case, row.item, "again", row.again),
        )
        for row in rows
    ]
    return pair_agreement(name, name, pairs)
