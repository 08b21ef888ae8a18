"""What the insights package says to people."""

from __future__ import annotations

# agreement_charts.py
NO_FEEDBACK_OF_TWO_RATERS = "No completion or pair has feedback of two raters."
NO_TRACE_OF_JUDGE_AND_CLINICIAN = "No trace was labelled by a judge and a clinician."

# rater_charts.py
NO_FIRST_ANSWERS = "No question that passes these filters has a blind first answer."
NO_COMPARABLE_CONFIDENCE = "No stated confidence can be compared with other raters or a reference."
NO_RECORDED_TIMES = "No feedback that passes these filters has a recorded time."

# self_agreement.py
NO_REPEATS = "No item or pair has been repeated yet."

# verdict_charts.py
NO_VERDICTS = "No verdict passes these filters."
NO_LABELLED_TRACES = "No labelled trace passes these filters."


def most_frequent_shown(most: int) -> str:
    return f"The chart shows the {most} with most verdicts."


# vote_charts.py
NO_COMPARISONS = "No comparison of two answers passes these filters."
NO_STRENGTHS = (
    "No strengths: a model won or lost everything, models never met, or there are too few votes."
)
VOTES_ON_ONE_CASE = (
    "All votes are on one case: the intervals treat them as independent and may be too narrow."
)
NO_VOTES_BETWEEN_MODELS = "No vote between two models passes these filters."
