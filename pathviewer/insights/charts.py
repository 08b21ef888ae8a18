"""All charts, in page order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pathviewer.insights.agreement_charts import (
    agreement_of_all,
    agreement_of_pairs,
    judge_agreement,
)
from pathviewer.insights.chart import Chart
from pathviewer.insights.data_source import ChartData
from pathviewer.insights.rater_charts import blind_first, confidence, time_per_case
from pathviewer.insights.self_agreement import self_agreement
from pathviewer.insights.verdict_charts import (
    events,
    verdicts_by_model,
    verdicts_by_organ,
    verdicts_by_question_type,
    verdicts_by_slide,
    verdicts_over_time,
)
from pathviewer.insights.vote_charts import ranking, vote_choices, wins

CHARTS: Mapping[str, Callable[[ChartData], Chart]] = {
    "verdicts_over_time": verdicts_over_time,
    "verdicts_by_model": verdicts_by_model,
    "verdicts_by_question_type": verdicts_by_question_type,
    "verdicts_by_organ": verdicts_by_organ,
    "verdicts_by_slide": verdicts_by_slide,
    "events": events,
    "agreement": agreement_of_all,
    "agreement_of_pairs": agreement_of_pairs,
    "self_agreement": self_agreement,
    "judge_agreement": judge_agreement,
    "ranking": ranking,
    "wins": wins,
    "votes": vote_choices,
    "blind_first": blind_first,
    "confidence": confidence,
    "time_per_case": time_per_case,
}
"""Chart functions by chart name."""
