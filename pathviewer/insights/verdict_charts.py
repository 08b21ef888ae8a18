"""Charts of verdicts and events, over time and by attribute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from models.reward import EVENTS
from pathviewer.feedback.vocabulary import VERDICTS, spoken
from pathviewer.insights import user_messages
from pathviewer.insights.chart import Cell, Chart, empty_chart, with_interval
from pathviewer.insights.data_source import NO_QUESTION_TYPE, UNKNOWN_ORGAN, ChartData
from pathviewer.insights.plotly_charts import dots, stacked_bars
from pathviewer.insights.resampling import ratio
from pathviewer.insights.values import Estimate
from storage.statistics.records import LabelRow, VerdictRow

WORDS = {verdict: spoken(verdict) for verdict in VERDICTS}
"""Verdicts as the charts write them, in stacking order."""
COLOURS = dict(
    zip(
        WORDS.values(),
        ("#6fc3a1", "#d8c26a", "#e0796b", "#8ea0b3", "#667787", "#4a5763"),
        strict=True,
    )
)
MOST_BARS = 25
"""Most slides in the chart, those with most verdicts; the table has all."""
MOST_DAYS = 120
"""Longer periods are shown by month."""


def verdicts_over_time(data: ChartData) -> Chart:
    """Return verdicts per day or per month."""
    days = {row.day for row in data.verdicts}
    length = 10 if len(days) <= MOST_DAYS else 7
    chart = _count_by_place(
        data, "verdicts_over_time", "Verdicts over time", lambda row: row.day[:length], "day"
    )
    chart = replace(chart, about=f"{chart.about} Days are those of the time zone {data.zone}.")
    return chart if chart.figure is None else _order_by_time(chart)


def verdicts_by_model(data: ChartData) -> Chart:
    """Return verdicts by model."""
    return _count_by_place(
        data, "verdicts_by_model", "Verdicts by model", lambda row: row.model, "model"
    )


def verdicts_by_question_type(data: ChartData) -> Chart:
    """Return verdicts by question type."""
    return _count_by_place(
        data,
        "verdicts_by_question_type",
        "Verdicts by question type",
        lambda row: spoken(row.task) or NO_QUESTION_TYPE,
        "question type",
    )


def verdicts_by_organ(data: ChartData) -> Chart:
    """Return verdicts by organ."""
    return _count_by_place(
        data,
        "verdicts_by_organ",
        "Verdicts by organ",
        lambda row: row.organ or UNKNOWN_ORGAN,
        "organ",
    )


def verdicts_by_slide(data: ChartData) -> Chart:
    """Return verdicts by slide."""
    names = data.slides
    return _count_by_place(
        data,
        "verdicts_by_slide",
        "Verdicts by slide",
        lambda row: names.get(row.slide, row.slide),
        "slide",
    )


def events(data: ChartData) -> Chart:
    """Return the share of traces with each event."""
    parts = {"clinicians": data.labels}
    if data.judge_labels:
        parts["judges"] = data.judge_labels
    shares = {name: [_share(rows, event) for event in EVENTS] for name, rows in parts.items()}
    rows: list[tuple[Cell, ...]] = [
        (spoken(event), name, len(parts[name]), *with_interval(shares[name][place]))
        for place, event in enumerate(EVENTS)
        for name in parts
    ]
    chart = Chart(
        "events",
        "Events in traces",
        "Share of labelled traces with an event; several steps with it count once. "
        "The last event is recorded in addition to the six and not scored.",
        ("event", "flagged by", "traces", "share", "low", "high"),
        rows,
        dots([spoken(event) for event in EVENTS], shares, "share of traces"),
    )
    labelled = data.labels or data.judge_labels
    return chart if labelled else empty_chart(chart, user_messages.NO_LABELLED_TRACES)


def _share(rows: Iterable[LabelRow], event: str) -> Estimate:
    return ratio([(row.case, float(event in row.events), 1) for row in rows])


def _count_by_place(
    data: ChartData, name: str, title: str, place_of: Callable[[VerdictRow], str], head: str
) -> Chart:
    """Count verdicts by group, largest group first."""
    counts: dict[str, Counter[str]] = {}
    for row in data.verdicts:
        counts.setdefault(place_of(row), Counter())[row.verdict] += 1
    places = sorted(counts, key=lambda place: (-counts[place].total(), place))
    rows: list[tuple[Cell, ...]] = [
        (place, counts[place].total(), *(counts[place][verdict] for verdict in VERDICTS))
        for place in places
    ]
    top_places = places[:MOST_BARS]
    parts = {word: [counts[place][key] for place in top_places] for key, word in WORDS.items()}
    chart = Chart(
        name,
        title,
        "Current verdicts of every rater.",
        (head, "all", *WORDS.values()),
        rows,
        stacked_bars(top_places, parts, COLOURS, lying=True, unit="verdicts"),
        user_messages.most_frequent_shown(MOST_BARS) if len(places) > MOST_BARS else "",
    )
    return chart if rows else empty_chart(chart, user_messages.NO_VERDICTS)


def _order_by_time(chart: Chart) -> Chart:
    """Return the chart in order of time with vertical bars."""
    rows = sorted(chart.rows, key=lambda row: str(row[0]))
    parts = {
        word: [float(row[2 + place] or 0) for row in rows]
        for place, word in enumerate(WORDS.values())
    }
    figure = stacked_bars([str(row[0]) for row in rows], parts, COLOURS, unit="verdicts")
    head = "month" if rows and len(str(rows[0][0])) == 7 else "day"
    columns = (head, *chart.columns[1:])
    return Chart(chart.name, chart.title, chart.about, columns, rows, figure)
