"""What it costs to offer “none of these” and “cannot assess” where a substantial answer is right.

The same answerable questions are asked twice, with whatever ways to decline they have and without
(`train items` writes both); the cost is the difference in accuracy, question by question.
"""

from __future__ import annotations

from models.evaluation.items import EvaluationError, ItemSet
from models.evaluation.report import Figures
from models.evaluation.scored_answer import judge_all
from models.evaluation.seed_comparison import Kept, check_asked
from models.resampling import difference_interval

PLAIN = "-plain"
"""Ends the id of a question that is asked without the ways to decline."""


def declining_cost(offered: ItemSet, kept: Kept, plain: ItemSet, plain_kept: Kept) -> Figures:
    """Accuracy of the questions that both sets hold, asked so and so; JSON values.

    `difference` is plain minus offered, its interval resampled by group. Raises EvaluationError for
    answers to other questions and where no question is in both sets.
    """
    check_asked(offered, kept)
    check_asked(plain, plain_kept)
    with_them = {
        f"{one.item.id}{PLAIN}": one for one in judge_all(offered.items, kept.answers, "asked")
    }
    pairs = [
        (with_them[one.item.id], one)
        for one in judge_all(plain.items, plain_kept.answers, "asked")
        if one.item.id in with_them
    ]
    if not pairs:
        message = "No question is in both files; give two of the same `train items`."
        raise EvaluationError(message)
    values = [float(without.right) - float(one.right) for one, without in pairs]
    found = difference_interval(values, [without.item.group for _, without in pairs])
    return {
        "n": len(pairs),
        "offered": sum(one.right for one, _ in pairs) / len(pairs),
        "plain": sum(without.right for _, without in pairs) / len(pairs),
        "difference": sum(values) / len(values),
        "difference_low": found.low if found else None,
        "difference_high": found.high if found else None,
    }
