"""Which model is preferred, and what else decides a vote: the side, the length.

Bradley and Terry's model: the log-odds that the left answer wins are the difference of the two
models' strengths, and a constant for standing on the left (A. Agresti, Categorical Data Analysis,
2nd edition, 2002, section 10.6). A tie, and a vote that both are bad, is half a win for each side,
as in Chatbot Arena's tables. The fit is statsmodels' GLM; its errors count judgments of one case as
dependent.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathviewer.insights.resampling import LEAST_CASES, case_codes, ratio
from pathviewer.insights.values import UNKNOWN, Estimate, Vote

LEFT_WINS = {"left": 1.0, "tie": 0.5, "both_bad": 0.5, "right": 0.0}
ENDLESS = 7.0
"""Log-odds beyond this (1,100 to 1) mean that nothing bounds the estimate: one side always won."""


@dataclass(frozen=True)
class Strength:
    """How a model fares against the others."""

    model: str
    """Who wrote the answers."""

    votes: int
    """Comparisons with another model."""

    wins: float
    """Of these, ties counted half."""

    strength: Estimate
    """Log-odds of winning against the average of the models; not defined where some model won or
    lost all."""


@dataclass(frozen=True)
class VoteBias:
    """What decides votes besides who wrote the answers."""

    votes: int
    """All comparisons."""

    left_share: Estimate
    """Share that the left answer won, ties half; 0.5 is no preference for a side."""

    left_log_odds: Estimate
    """The same with the models' strengths taken into account; 0 is none."""

    longer_share: Estimate
    """Share that the longer answer won, of pairs of unequal length."""

    length_log_odds: Estimate
    """Log-odds that an answer gains by being twice as long, strengths and side taken into
    account."""


def strengths(votes: Sequence[Vote]) -> list[Strength]:
    """The models by strength, the strongest first."""
    compared = [vote for vote in votes if vote.left_model != vote.right_model]
    models = sorted({name for vote in compared for name in (vote.left_model, vote.right_model)})
    estimates = _strengths(compared, models)
    results = [
        Strength(model, *_record(compared, model), estimate)
        for model, estimate in zip(models, estimates, strict=True)
    ]
    return sorted(results, key=lambda each: (-(each.strength.value or 0), -each.wins, each.model))


def vote_bias(votes: Sequence[Vote]) -> VoteBias:
    """Position and length bias of votes, those between answers of one model included."""
    models = sorted({name for vote in votes for name in (vote.left_model, vote.right_model)})
    longer = [vote for vote in votes if vote.left_length != vote.right_length]
    return VoteBias(
        votes=len(votes),
        left_share=ratio([(vote.case, LEFT_WINS[vote.choice], 1) for vote in votes]),
        left_log_odds=_side(votes, models),
        longer_share=ratio([(vote.case, _longer_wins(vote), 1) for vote in longer]),
        length_log_odds=_length(votes, models),
    )


def _record(votes: Sequence[Vote], model: str) -> tuple[int, float]:
    """How often a model was compared, and its wins."""
    scores = [LEFT_WINS[vote.choice] for vote in votes if vote.left_model == model]
    scores += [1 - LEFT_WINS[vote.choice] for vote in votes if vote.right_model == model]
    return len(scores), sum(scores)


def _longer_wins(vote: Vote) -> float:
    left = LEFT_WINS[vote.choice]
    return left if vote.left_length > vote.right_length else 1 - left


def _strengths(votes: Sequence[Vote], models: Sequence[str]) -> list[Estimate]:
    """Each model's log-odds against the models' average."""
    unknown = [UNKNOWN] * len(models)
    if len(models) < 2 or not _comparable(votes, models):
        return unknown
    fitted = _fit(votes, _differences(votes, models))
    if fitted is None:
        return unknown
    # strengths are against the last model, whose own is 0; rows take the average off
    count = len(models)
    contrasts = np.zeros((count, len(fitted.params)))
    contrasts[:, : count - 1] = np.eye(count)[:, :-1] - 1 / count
    return _estimates(fitted, contrasts)


def _comparable(votes: Sequence[Vote], models: Sequence[str]) -> bool:
    """Whether every model beat every other one, directly or by way of others (Ford 1957)."""
    from scipy.sparse.csgraph import connected_components  # seconds to import

    place = {model: number for number, model in enumerate(models)}
    beat = np.zeros((len(models), len(models)))
    for vote in votes:
        left, right = place[vote.left_model], place[vote.right_model]
        beat[left, right] += LEFT_WINS[vote.choice]
        beat[right, left] += 1 - LEFT_WINS[vote.choice]
    return bool(connected_components(beat, directed=True, connection="strong")[0] == 1)


def _differences(votes: Sequence[Vote], models: Sequence[str]) -> NDArray[np.float64]:
    """+1 for the model on the left, -1 for the right one, last column 1: (votes, models)."""
    place = {model: number for number, model in enumerate(models)}
    columns = np.zeros((len(votes), len(models)))
    rows = np.arange(len(votes))
    np.add.at(columns, (rows, np.array([place[vote.left_model] for vote in votes])), 1)
    np.add.at(columns, (rows, np.array([place[vote.right_model] for vote in votes])), -1)
    columns[:, -1] = 1  # the last model is the reference; its place is the side's
    return columns


def _side(votes: Sequence[Vote], models: Sequence[str]) -> Estimate:
    """What the left side gains, in log-odds."""
    fitted = _fit(votes, _differences(votes, models)) if votes else None
    if fitted is None:
        return UNKNOWN
    contrast = np.zeros((1, len(fitted.params)))
    contrast[0, -1] = 1
    return _estimates(fitted, contrast)[0]


def _length(votes: Sequence[Vote], models: Sequence[str]) -> Estimate:
    """What twice the length gains, in log-odds."""
    if not votes:
        return UNKNOWN
    longer = [np.log2(max(vote.left_length, 1) / max(vote.right_length, 1)) for vote in votes]
    design = np.column_stack((_differences(votes, models), longer))
    fitted = _fit(votes, design) if np.any(longer) else None
    if fitted is None:
        return UNKNOWN
    contrast = np.zeros((1, len(fitted.params)))
    contrast[0, -1] = 1
    return _estimates(fitted, contrast)[0]


def _fit(votes: Sequence[Vote], design: NDArray[np.float64]) -> Any:
    """statsmodels' results; None where nothing bounds an estimate.

    Columns that depend on others, as those of models that never meet, leave it unbounded too.
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    warnings.simplefilter("ignore", PerfectSeparationWarning)  # ENDLESS tells; ties alone are fine
    scores = np.array([LEFT_WINS[vote.choice] for vote in votes])
    codes = case_codes([vote.case for vote in votes])
    if len(votes) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    if np.all(scores == 1) or np.all(scores == 0):
        return None
    options: dict[str, Any] = {}
    if codes.max() + 1 >= LEAST_CASES:
        options = {"cov_type": "cluster", "cov_kwds": {"groups": codes}}
    with np.errstate(divide="ignore", invalid="ignore"):  # where a prediction is all but certain
        fitted = GLM(scores, design, family=Binomial()).fit(**options)
    return fitted if fitted.converged and np.abs(fitted.params).max() < ENDLESS else None


def _estimates(fitted: Any, contrasts: NDArray[np.float64]) -> list[Estimate]:
    """Contrasts of the fitted parameters with their intervals."""
    tests = fitted.t_test(contrasts)
    return [
        Estimate(float(value), *map(_finite, ends))
        for value, ends in zip(tests.effect, tests.conf_int(), strict=True)
    ]


def _finite(end: float) -> float | None:
    """None for an end that so few cases do not give."""
    return float(end) if np.isfinite(end) else None
