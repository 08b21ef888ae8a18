"""Charts of rating behaviour: blind first answers, confidence, time."""

from __future__ import annotations

import numpy as np

from models.scoring import answer_is_right
from pathviewer.insights import user_messages
from pathviewer.insights.answer_shift import AnswerShift, BlindAnswer, final_answer, measure_shift
from pathviewer.insights.chart import Cell, Chart, empty_chart, with_interval
from pathviewer.insights.confidence import ConfidenceRating, calibration, rate_against_others
from pathviewer.insights.data_source import ChartData, rater_name
from pathviewer.insights.plotly_charts import boxes, curve, stacked_bars
from pathviewer.insights.values import Label
from storage.statistics.records import FirstAnswerRow

LEVELS = (1, 2, 3, 4, 5)
OUTCOMES = {
    "unchanged": "#8ea0b3",
    "changed to the model's": "#6cb8f5",
    "changed to another": "#c9a0f0",
    "unknown": "#4a5763",
}


def blind_first(data: ChartData) -> Chart:
    """Return the changes of first answers."""
    shift = measure_shift([_blind(row) for row in data.first_answers])
    unchanged_count = shift.answers - shift.to_model - shift.elsewhere
    counts = (unchanged_count, shift.to_model, shift.elsewhere, shift.unassessed)
    parts = {name: [count] for name, count in zip(OUTCOMES, counts, strict=True)}
    chart = Chart(
        "blind_first",
        "Blind first: did seeing the model change the answer?",
        "First answers, given before the model's was shown, against the same clinician's final "
        "answers. Helped and harmed are counted only if the case has a reference "
        "answer with its source.",
        ("what", "value", "low", "high"),
        _shift_rows(shift, unchanged_count),
        stacked_bars(["first answers"], parts, OUTCOMES, lying=True, unit="questions"),
    )
    if data.first_answers:
        return chart
    return empty_chart(chart, user_messages.NO_FIRST_ANSWERS)


def _shift_rows(shift: AnswerShift, unchanged_count: int) -> list[tuple[Cell, ...]]:
    counts: dict[str, int] = {
        "first answers with a known final answer": shift.answers,
        "unknown": shift.unassessed,
        "the same as the model's from the start": shift.agreed,
        "unchanged": unchanged_count,
        "changed to the model's": shift.to_model,
        "changed to another": shift.elsewhere,
        "with a reference": shift.referenced,
        "helped (wrong, then right)": shift.helped,
        "harmed (right, then wrong)": shift.harmed,
    }
    shares = {
        "changed (share)": shift.changed,
        "right at first (share of those with a reference)": shift.first_right,
        "right afterwards (share)": shift.final_right,
    }
    rows: list[tuple[Cell, ...]] = [(name, count, None, None) for name, count in counts.items()]
    return rows + [(name, *with_interval(each)) for name, each in shares.items()]


def confidence(data: ChartData) -> Chart:
    """Return stated confidence against other raters and references."""
    labels = [
        (Label(row.case, row.completion, row.rater, row.verdict), row.confidence)
        for row in data.verdicts
    ]
    parts = {
        "verdicts: others say the same": calibration(rate_against_others(labels)),
        "first answers: right by the reference": calibration(_first(data)),
    }
    rows: list[tuple[Cell, ...]] = [
        (name, level.confidence, level.count, *with_interval(level.right))
        for name, levels in parts.items()
        for level in levels
    ]
    drawn = {
        name: {level.confidence: level.right for level in levels}
        for name, levels in parts.items()
        if levels
    }
    chart = Chart(
        "confidence",
        "Stated confidence",
        "For each confidence from 1 (guessing) to 5 (certain): the share of other raters who gave "
        "the same verdict, and the share of first answers that agree with a reference with its "
        "source.",
        ("of", "confidence", "count", "share", "low", "high"),
        rows,
        curve(LEVELS, drawn, "confidence", "share"),
    )
    if rows:
        return chart
    return empty_chart(chart, user_messages.NO_COMPARABLE_CONFIDENCE)


def time_per_case(data: ChartData) -> Chart:
    """Return the minutes that each rater spent per case."""
    minutes: dict[str, list[float]] = {}
    for row in data.times:
        minutes.setdefault(rater_name(row.rater), []).append(row.seconds / 60)
    judged = {rater_name(row.rater): 0 for row in data.times}
    for row in data.times:
        judged[rater_name(row.rater)] += row.feedback_count
    rows: list[tuple[Cell, ...]] = [
        (rater, len(seconds), judged[rater], *map(float, np.quantile(seconds, (0.25, 0.5, 0.75))))
        for rater, seconds in sorted(minutes.items())
    ]
    chart = Chart(
        "time_per_case",
        "Time per case",
        "Minutes that a rater spent judging answers of one case (of one slide, if no case is "
        "known), including feedback that was withdrawn later.",
        ("rater", "cases", "feedback", "lower quartile", "median", "upper quartile"),
        rows,
        boxes(dict(sorted(minutes.items())), "minutes"),
    )
    return chart if rows else empty_chart(chart, user_messages.NO_RECORDED_TIMES)


def _blind(row: FirstAnswerRow) -> BlindAnswer:
    final = final_answer(row.verdict, row.corrected_answer, row.answer)
    return BlindAnswer(
        row.case, row.options, row.first_answer, row.answer, final, row.reference_answer
    )


def _first(data: ChartData) -> list[ConfidenceRating]:
    """Return first answers with a confidence and a reference."""
    return [
        ConfidenceRating(
            row.case,
            row.first_confidence,
            float(answer_is_right(row.first_answer, row.options, row.reference_answer)),
        )
        for row in data.first_answers
        if row.first_confidence is not None and row.reference_answer is not None
    ]
