"""Model rankings from votes, with the effects of side and length.

Bradley-Terry model: the log-odds that the left answer wins are the difference of the two models'
strengths plus a constant for the left side (A. Agresti, Categorical Data Analysis, 2nd edition,
2002, section 10.6). A tie and a vote that both are bad are half a win for each side, as in Chatbot
Arena's tables. The fit is statsmodels' GLM; its errors treat votes on one case as dependent.
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
from storage.feedback.vocabulary import NEUTRAL_CHOICES

LEFT_WINS = {"left": 1.0, "right": 0.0} | dict.fromkeys(NEUTRAL_CHOICES, 0.5)
ENDLESS = 7.0
"""Log-odds beyond this (1,100 to 1) mean an unbounded estimate: one side always won."""


@dataclass(frozen=True)
class Strength:
    """A model's record against the others."""

    model: str
    """Author of the answers."""

    votes: int
    """Comparisons with another model."""

    wins: float
    """Wins among these, ties counted half."""

    strength: Estimate
    """Log-odds of winning against the average model; undefined if a model won or lost all its
    votes."""


@dataclass(frozen=True)
class VoteBias:
    """Effects on votes besides the model."""

    votes: int
    """All comparisons."""

    left_share: Estimate
    """Share won by the left answer, ties half; 0.5 is no bias."""

    left_log_odds: Estimate
    """The same as log-odds, adjusted for the models' strengths; 0 is no bias."""

    longer_share: Estimate
    """Share won by the longer answer, among pairs of unequal length."""

    length_log_odds: Estimate
    """Log-odds gained by doubling the length, adjusted for strengths and side."""


def strengths(votes: Sequence[Vote]) -> list[Strength]:
    """Return the models by strength, strongest first."""
    compared = [vote for vote in votes if vote.left_model != vote.right_model]
    models = sorted({name for vote in compared for name in (vote.left_model, vote.right_model)})
    estimates = _strengths(compared, models)
    results = [
        Strength(model, *_record(compared, model), estimate)
        for model, estimate in zip(models, estimates, strict=True)
    ]
    return sorted(results, key=lambda each: (-(each.strength.value or 0), -each.wins, each.model))


def vote_bias(votes: Sequence[Vote]) -> VoteBias:
    """Return the position and length bias, including votes within one model."""
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
    """Return a model's number of comparisons and its wins."""
    scores = [LEFT_WINS[vote.choice] for vote in votes if vote.left_model == model]
    scores += [1 - LEFT_WINS[vote.choice] for vote in votes if vote.right_model == model]
    return len(scores), sum(scores)


def _longer_wins(vote: Vote) -> float:
    left = LEFT_WINS[vote.choice]
    return left if vote.left_length > vote.right_length else 1 - left


def _strengths(votes: Sequence[Vote], models: Sequence[str]) -> list[Estimate]:
    """Return each model's log-odds against the average model."""
    unknown = [UNKNOWN] * len(models)
    if len(models) < 2 or not _comparable(votes, models):
        return unknown
    fitted = _fit(votes, _differences(votes, models))
    if fitted is None:
        return unknown
    # parameters are relative to the last model, which has 0; rows subtract the average
    count = len(models)
    contrasts = np.zeros((count, len(fitted.params)))
    contrasts[:, : count - 1] = np.eye(count)[:, :-1] - 1 / count
    return _estimates(fitted, contrasts)


def _comparable(votes: Sequence[Vote], models: Sequence[str]) -> bool:
    """Return whether every model beat every other, directly or through others (Ford 1957)."""
    from scipy.sparse.csgraph import connected_components  # takes seconds to import

    place = {model: number for number, model in enumerate(models)}
    beat = np.zeros((len(models), len(models)))
    for vote in votes:
        left, right = place[vote.left_model], place[vote.right_model]
        beat[left, right] += LEFT_WINS[vote.choice]
        beat[right, left] += 1 - LEFT_WINS[vote.choice]
    return bool(connected_components(beat, directed=True, connection="strong")[0] == 1)


def _differences(votes: Sequence[Vote], models: Sequence[str]) -> NDArray[np.float64]:
    """Return +1 for the left model, -1 for the right, last column 1: (votes, models)."""
    place = {model: number for number, model in enumerate(models)}
    columns = np.zeros((len(votes), len(models)))
    rows = np.arange(len(votes))
    np.add.at(columns, (rows, np.array([place[vote.left_model] for vote in votes])), 1)
    np.add.at(columns, (rows, np.array([place[vote.right_model] for vote in votes])), -1)
    columns[:, -1] = 1  # the last model is the reference; its column is the side's
    return columns


def _side(votes: Sequence[Vote], models: Sequence[str]) -> Estimate:
    """Return the log-odds gained by the left side."""
    fitted = _fit(votes, _differences(votes, models)) if votes else None
    if fitted is None:
        return UNKNOWN
    contrast = np.zeros((1, len(fitted.params)))
    contrast[0, -1] = 1
    return _estimates(fitted, contrast)[0]


def _length(votes: Sequence[Vote], models: Sequence[str]) -> Estimate:
    """Return the log-odds gained by doubling the length."""
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
    """Return statsmodels' results; None if an estimate is unbounded.

    Linearly dependent columns, such as those of models that never meet, are unbounded too.
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    warnings.simplefilter(
        "ignore", PerfectSeparationWarning
    )  # ENDLESS covers it; ties alone are fine
    scores = np.array([LEFT_WINS[vote.choice] for vote in votes])
    codes = case_codes([vote.case for vote in votes])
    if len(votes) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    if np.all(scores == 1) or np.all(scores == 0):
        return None
    options: dict[str, Any] = {}
    if codes.max() + 1 >= LEAST_CASES:
        options = {"cov_type": "cluster", "cov_kwds": {"groups": codes}}
    with np.errstate(divide="ignore", invalid="ignore"):  # for predictions close to certainty
        fitted = GLM(scores, design, family=Binomial()).fit(**options)
    return fitted if fitted.converged and np.abs(fitted.params).max() < ENDLESS else None


def _estimates(fitted: Any, contrasts: NDArray[np.float64]) -> list[Estimate]:
    """Return contrasts of the fitted parameters with their intervals."""
    tests = fitted.t_test(contrasts)
    return [
        Estimate(float(value), *map(_finite, ends))
        for value, ends in zip(tests.effect, tests.conf_int(), strict=True)
    ]


def _finite(end: float) -> float | None:
    """Return None for an end that is undefined with too few cases."""
    return float(end) if np.isfinite(end) else None
