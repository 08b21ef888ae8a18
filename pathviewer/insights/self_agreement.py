"""Whether a rater agrees with himself: items and pairs that came again after the washout."""

from __future__ import annotations

from collections.abc import Sequence

from pathviewer.insights.agreement import PairAgreement, pair_agreement
from pathviewer.insights.chart import Cell, Chart, empty_chart, with_interval
from pathviewer.insights.data_source import ChartData, rater_name
from pathviewer.insights.plotly_charts import dots
from pathviewer.insights.values import Label
from storage.statistics.records import RepeatRow

ALL_RATERS = "all raters"


def self_agreement(data: ChartData) -> Chart:
    """Raw agreement and Cohen's kappa of every rater's first and second verdicts and votes."""
    about = {"verdict": data.repeats, "preference": data.repeated_votes}
    agreements = [(name, each) for name, rows in about.items() for each in _by_rater(rows)]
    rows: list[tuple[Cell, ...]] = [
        (each.first, name, each.items, *with_interval(each.raw), *with_interval(each.cohen))
        for name, each in agreements
    ]
    measures = {
        "raw": [each.raw for _, each in agreements],
        "Cohen's kappa": [each.cohen for _, each in agreements],
    }
    chart = Chart(
        "self_agreement",
        "Agreement of raters with themselves",
        "Verdicts on answers of worklists, and preferences between two, that the same rater gave "
        "again after the washout without being told the first: share that is the same, and Cohen's "
        "kappa. Intervals are over cases.",
        ("rater", "about", "items", "raw", "low", "high", "kappa", "low", "high"),
        rows,
        dots([f"{each.first}, {name}" for name, each in agreements], measures, "agreement", line=0),
    )
    return chart if agreements else empty_chart(chart, "Nothing came to anybody a second time yet.")


def _by_rater(rows: Sequence[RepeatRow]) -> list[PairAgreement]:
    """Each rater with himself; where there are several, all of them together at the end."""
    raters = sorted({row.rater for row in rows}, key=rater_name)
    agreements = [
        compare_repeats(rater_name(rater), [row for row in rows if row.rater == rater])
        for rater in raters
    ]
    return [*agreements, compare_repeats(ALL_RATERS, rows)] if len(agreements) > 1 else agreements


def compare_repeats(name: str, rows: Sequence[RepeatRow]) -> PairAgreement:
    """What was said first against what was said again."""
    pairs = [
        (
            Label(row.case, row.item, "first", row.first),
            Label(row.case, row.item, "again", row.again),
        )
        for row in rows
    ]
    return pair_agreement(name, name, pairs)
