"""Bootstrap intervals over cases, for statistics of sums over cases.

Ratings of one case resemble each other, so cases are resampled, not ratings. For functions of sums
over cases, a thousand resamples are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pathviewer.insights.values import UNKNOWN, Estimate

RESAMPLES = 1000
SEED = 20261124
"""Fixed seed: the same feedback gives the same interval."""
CACHED_DRAWS = 16
"""Cached draws, one per number of cases."""
LEAST_CASES = 2
"""Fewer cases show no variation between cases."""

Figure = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Maps sums (..., sums) to a statistic (...); nan if undefined."""


def interval(of_cases: NDArray[np.float64], figure: Figure) -> Estimate:
    """Return a statistic with its percentile interval; `of_cases` is (cases, sums)."""
    return intervals(of_cases, (figure,))[0]


def intervals(of_cases: NDArray[np.float64], figures: Sequence[Figure]) -> list[Estimate]:
    """Return several statistics with intervals from the same draws, since drawing is slow."""
    total = of_cases.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = [float(figure(total)) for figure in figures]
        if len(of_cases) < LEAST_CASES or not np.isfinite(values).any():
            return [Estimate(each) if np.isfinite(each) else UNKNOWN for each in values]
        resamples = resample_cases(of_cases)
        return [
            Estimate(value, *percentiles(figure(resamples))) if np.isfinite(value) else UNKNOWN
            for value, figure in zip(values, figures, strict=True)
        ]


def resample_cases(of_cases: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums over cases drawn with replacement, (resamples, sums)."""
    return np.asarray(_draw_weights(len(of_cases)) @ of_cases, dtype=float)


@lru_cache(CACHED_DRAWS)
def _draw_weights(count: int) -> NDArray[np.float64]:
    """Return how often each case is drawn, (resamples, cases); cached by number of cases.

    Floats, since numpy multiplies integers without its fast routines.
    """
    generator = np.random.default_rng(SEED)
    weights = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return np.asarray(weights, dtype=float)


def percentiles(resamples: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return the middle 95 % of a resampled statistic; None if most resamples are undefined."""
    finite = resamples[np.isfinite(resamples)]
    if 2 * len(finite) < len(resamples):
        return None, None
    low, high = np.quantile(finite, (0.025, 0.975))
    return float(low), float(high)


def ratio(parts: Sequence[tuple[str, float, float]]) -> Estimate:
    """Return a ratio of sums from (case, numerator, denominator): a share or a mean."""
    if not parts:
        return UNKNOWN
    codes = case_codes([case for case, _, _ in parts])
    of_cases = np.zeros((codes.max() + 1, 2))
    np.add.at(of_cases, codes, np.array([part[1:] for part in parts], dtype=float))
    return interval(of_cases, lambda sums: sums[..., 0] / sums[..., 1])


def case_codes(cases: Sequence[str]) -> NDArray[np.int64]:
    """Number the cases from 0, in order of first appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(case, len(numbers)) for case in cases], dtype=np.int64)
