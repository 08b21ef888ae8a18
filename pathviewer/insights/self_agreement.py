"""Agreement of raters with themselves: items and pairs repeated after the washout."""

from __future__ import annotations

from collections.abc import Sequence

from pathviewer.insights import user_messages
from pathviewer.insights.agreement import PairAgreement, pair_agreement
from pathviewer.insights.chart import Cell, Chart, empty_chart, with_interval
from pathviewer.insights.data_source import ChartData, rater_name
from pathviewer.insights.plotly_charts import dots
from pathviewer.insights.values import Label
from storage.statistics.records import RepeatRow

ALL_RATERS = "all raters"


def self_agreement(data: ChartData) -> Chart:
    """Return raw agreement and Cohen's kappa of each rater's first and second feedback."""
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
        "Verdicts on answers of worklists and preferences between two, repeated by the same rater "
        "after the washout without seeing the first: share that agrees, and Cohen's "
        "kappa. Intervals are over cases.",
        ("rater", "about", "items", "raw", "low", "high", "kappa", "low", "high"),
        rows,
        dots([f"{each.first}, {name}" for name, each in agreements], measures, "agreement", line=0),
    )
    return chart if agreements else empty_chart(chart, user_messages.NO_REPEATS)


def _by_rater(rows: Sequence[RepeatRow]) -> list[PairAgreement]:
    """Return each rater's agreement; with several raters, also all together at the end."""
    raters = sorted({row.rater for row in rows}, key=rater_name)
    agreements = [
        compare_repeats(rater_name(rater), [row for row in rows if row.rater == rater])
        for rater in raters
    ]
    return [*agreements, compare_repeats(ALL_RATERS, rows)] if len(agreements) > 1 else agreements


def compare_repeats(name: str, rows: Sequence[RepeatRow]) -> PairAgreement:
    """Compare first with repeated feedback."""
    pairs = [
        (
            Label(row.case, row.item, "first", row.first),
            Label(row.case, row.item, "again", row.again),
        )
        for row in rows
    ]
    return pair_agreement(name, name, pairs)
