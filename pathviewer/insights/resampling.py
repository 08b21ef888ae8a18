"""Intervals by bootstrap over cases, for figures that depend on sums over cases alone.

Judgments of one case resemble each other, so cases are drawn and not judgments. A figure that is a
function of sums over cases makes a thousand resamples one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pathviewer.insights.values import UNKNOWN, Estimate

RESAMPLES = 1000
SEED = 20261124
"""The same judgments give the same interval."""
CACHED_DRAWS = 16
"""Draws that are kept for the next figure, of different numbers of cases."""
LEAST_CASES = 2
"""Fewer cases say nothing of how cases differ."""

Figure = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Of sums (..., sums) a figure (...); nan where it is not defined."""


def interval(of_cases: NDArray[np.float64], figure: Figure) -> Estimate:
    """The figure of all cases with its percentile interval; `of_cases` is (cases, sums)."""
    return intervals(of_cases, (figure,))[0]


def intervals(of_cases: NDArray[np.float64], figures: Sequence[Figure]) -> list[Estimate]:
    """The same of several figures of these sums, by the same draws: drawing takes the time."""
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
    """Sums over cases drawn with replacement, (resamples, sums)."""
    return np.asarray(_draw_weights(len(of_cases)) @ of_cases, dtype=float)


@lru_cache(CACHED_DRAWS)
def _draw_weights(count: int) -> NDArray[np.float64]:
    """How often each of so many cases is drawn, (resamples, cases): the same for every figure of as
    many cases. As floats, since numpy multiplies whole numbers without its fast routines."""
    generator = np.random.default_rng(SEED)
    weights = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return np.asarray(weights, dtype=float)


def percentiles(resamples: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """The middle 95 % of resampled figures; None if most resamples have none."""
    finite = resamples[np.isfinite(resamples)]
    if 2 * len(finite) < len(resamples):
        return None, None
    low, high = np.quantile(finite, (0.025, 0.975))
    return float(low), float(high)


def ratio(parts: Sequence[tuple[str, float, float]]) -> Estimate:
    """A ratio of sums, from (case, numerator, denominator): a share, or a mean."""
    if not parts:
        return UNKNOWN
    codes = case_codes([case for case, _, _ in parts])
    of_cases = np.zeros((codes.max() + 1, 2))
    np.add.at(of_cases, codes, np.array([part[1:] for part in parts], dtype=float))
    return interval(of_cases, lambda sums: sums[..., 0] / sums[..., 1])


def case_codes(cases: Sequence[str]) -> NDArray[np.int64]:
    """A number from 0 for each case, in order of their first appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(case, len(numbers)) for case in cases], dtype=np.int64)
