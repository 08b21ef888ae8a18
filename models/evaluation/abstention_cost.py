"""Cost of offering “none of these” and “cannot assess” when a substantial answer is right.

The same answerable questions are asked with and without these options (`train items` writes both);
the cost is the paired difference in accuracy.
"""

from __future__ import annotations

from models.evaluation.items import EvaluationError, ItemSet
from models.evaluation.report import Figures
from models.evaluation.scored_answer import score_answers
from models.evaluation.seed_comparison import RecordedRun, check_same_questions
from models.resampling import difference_interval

PLAIN_SUFFIX = "-plain"
"""Suffix of the id of a question asked without ways to abstain."""


def abstention_cost(
    with_abstention: ItemSet,
    run_with_abstention: RecordedRun,
    plain: ItemSet,
    plain_run: RecordedRun,
) -> Figures:
    """Accuracy on the questions in both sets, with and without abstention; JSON values.

    `difference` is plain minus offered, with an interval resampled by group. Raises EvaluationError
    if the answers are to other questions or if the sets share none.
    """
    check_same_questions(with_abstention, run_with_abstention)
    check_same_questions(plain, plain_run)
    with_them = {
        f"{one.item.id}{PLAIN_SUFFIX}": one
        for one in score_answers(with_abstention.items, run_with_abstention.answers, "asked")
    }
    pairs = [
        (with_them[one.item.id], one)
        for one in score_answers(plain.items, plain_run.answers, "asked")
        if one.item.id in with_them
    ]
    if not pairs:
        message = "No question is in both files; pass two from the same `train items`."
        raise EvaluationError(message)
    values = [float(without.right) - float(one.right) for one, without in pairs]
    interval = difference_interval(values, [without.item.group for _, without in pairs])
    return {
        "n": len(pairs),
        "offered": sum(one.right for one, _ in pairs) / len(pairs),
        "plain": sum(without.right for _, without in pairs) / len(pairs),
        "difference": sum(values) / len(values),
        "difference_low": interval.low if interval else None,
        "difference_high": interval.high if interval else None,
    }
