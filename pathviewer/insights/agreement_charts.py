"""Charts of agreement: all raters, pairs of raters, and automatic judges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.reward import EVENTS
from pathviewer.feedback.vocabulary import spoken
from pathviewer.insights import user_messages
from pathviewer.insights.agreement import (
    Agreement,
    PairAgreement,
    agreement,
    agreement_by_pair,
    pair_agreement,
)
from pathviewer.insights.chart import Cell, Chart, empty_chart, with_interval
from pathviewer.insights.data_source import ChartData, rater_name
from pathviewer.insights.plotly_charts import dots
from pathviewer.insights.values import Label
from storage.feedback.vocabulary import PREFERENCES
from storage.statistics.records import LabelRow


def agreement_of_all(data: ChartData) -> Chart:
    """Return the agreement of all raters on verdicts, preferences and each event."""
    every = {
        "verdict": agreement(_verdict_labels(data)),
        "preference": agreement(preference_labels(data), PREFERENCES),
    }
    every |= {
        spoken(event): agreement(_event_labels(data.labels, event), ("yes", "no"))
        for event in EVENTS
    }
    about = {name: each for name, each in every.items() if each.items}
    measures = {
        "raw": [each.raw for each in about.values()],
        "Fleiss' kappa": [each.fleiss for each in about.values()],
        "Gwet's AC1": [each.ac1 for each in about.values()],
        "Krippendorff's alpha": [each.alpha for each in about.values()],
    }
    rows: list[tuple[Cell, ...]] = [
        (name, measure, *_counts(each), *with_interval(measures[measure][place]))
        for place, (name, each) in enumerate(about.items())
        for measure in measures
    ]
    chart = Chart(
        "agreement",
        "Agreement between raters",
        "Completions, or pairs of them, with at least two raters: verdicts, preferences regardless "
        "of the side, and each event, flagged or not. "
        "Intervals are over cases.",
        ("about", "measure", "items", "cases", "raters", "value", "low", "high"),
        rows,
        dots(list(about), measures, "agreement", line=0),
    )
    return chart if about else empty_chart(chart, user_messages.NO_FEEDBACK_OF_TWO_RATERS)


def agreement_of_pairs(data: ChartData) -> Chart:
    """Return Cohen's kappa of every pair of raters."""
    labels = {"verdict": _verdict_labels(data), "preference": preference_labels(data)}
    agreements = [
        (about, pair) for about, each in labels.items() for pair in agreement_by_pair(each)
    ]
    names = [f"{pair.first} / {pair.second}, {about}" for about, pair in agreements]
    rows: list[tuple[Cell, ...]] = [
        (
            pair.first,
            pair.second,
            about,
            pair.items,
            *with_interval(pair.raw),
            *with_interval(pair.cohen),
        )
        for about, pair in agreements
    ]
    chart = Chart(
        "agreement_of_pairs",
        "Agreement of every two raters",
        "Verdicts on completions and preferences between two, given by both raters: share that "
        "agrees, and Cohen's kappa.",
        ("rater", "and", "about", "items", "raw", "low", "high", "kappa", "low", "high"),
        rows,
        dots(names, {"Cohen's kappa": [pair.cohen for _, pair in agreements]}, "kappa", line=0),
    )
    return chart if agreements else empty_chart(chart, user_messages.NO_FEEDBACK_OF_TWO_RATERS)


def judge_agreement(data: ChartData) -> Chart:
    """Return the agreement of each judge with the clinicians, by event."""
    agreements = [
        (judge, spoken(event), _against(data.labels, rows, event))
        for judge, rows in _by_judge(data.judge_labels)
        for event in EVENTS
    ]
    compared = [each for each in agreements if each[2] is not None and each[2].items]
    chart = Chart(
        "judge_agreement",
        "Judges against clinicians",
        "For each event: labels of the same trace by an automatic judge and a clinician.",
        ("judge", "event", "pairs", "raw", "low", "high", "kappa", "low", "high"),
        [
            (judge, event, pair.items, *with_interval(pair.raw), *with_interval(pair.cohen))
            for judge, event, pair in compared
            if pair
        ],
        dots(
            [f"{event} ({judge})" for judge, event, _ in compared],
            {
                "raw": [pair.raw for _, _, pair in compared if pair],
                "Cohen's kappa": [pair.cohen for _, _, pair in compared if pair],
            },
            "agreement",
            line=0,
        ),
    )
    return chart if compared else empty_chart(chart, user_messages.NO_TRACE_OF_JUDGE_AND_CLINICIAN)


def preference_labels(data: ChartData) -> list[Label]:
    """Return each rater's preferred answer, regardless of its side."""
    return [Label(row.case, row.pair, rater_name(row.rater), row.preferred) for row in data.votes]


def _verdict_labels(data: ChartData) -> list[Label]:
    return [
        Label(row.case, row.completion, rater_name(row.rater), row.verdict) for row in data.verdicts
    ]


def _event_labels(rows: Iterable[LabelRow], event: str) -> list[Label]:
    return [Label(row.case, row.completion, row.rater, _label_of_event(row, event)) for row in rows]


def _label_of_event(row: LabelRow, event: str) -> str:
    return "yes" if event in row.events else "no"


def _counts(result: Agreement) -> tuple[int, int, int]:
    return result.items, result.cases, result.raters


def _by_judge(rows: Iterable[LabelRow]) -> list[tuple[str, list[LabelRow]]]:
    rows_by_judge: dict[str, list[LabelRow]] = {}
    for row in rows:
        rows_by_judge.setdefault(row.rater, []).append(row)
    return sorted(rows_by_judge.items())


def _against(
    clinicians: Sequence[LabelRow], judge: Sequence[LabelRow], event: str
) -> PairAgreement | None:
    """Compare every clinician's label of a trace with the judge's."""
    of_judge = {row.completion: row for row in judge}
    pairs = [
        (
            Label(row.case, row.completion, "clinician", _label_of_event(row, event)),
            Label(
                row.case, row.completion, "judge", _label_of_event(of_judge[row.completion], event)
            ),
        )
        for row in clinicians
        if row.completion in of_judge
    ]
    return pair_agreement("clinician", "judge", pairs) if pairs else None
