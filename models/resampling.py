"""Intervals and a permutation test for grouped items (slides, patients, source images).

Items of one group are not independent, so groups are resampled, never items.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
CHUNK = 500
"""Draws per batch, which bounds memory."""
EXACT_GROUPS = 14
"""Number of differing groups up to which all 2**n sign patterns are tried."""
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval, resampled by group."""

    mean: float
    """Mean over items, equally weighted."""
    low: float
    """Lower bound."""
    high: float
    """Upper bound."""
    n: int
    """Number of items."""
    groups: int
    """Number of their groups."""


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences with its 95 % interval, resampled by group."""

    mean: float
    """Mean over pairs, equally weighted."""
    low: float | None
    """Lower bound; None where resampling gives none."""
    high: float | None
    """Upper bound; None if `low` is."""
    n: int
    """Number of pairs."""
    groups: int
    """Number of their groups."""


def share_interval(
    values: Sequence[float] | NDArray[np.float64], groups: Sequence[Hashable], *, seed: int = 0
) -> Interval | None:
    """Mean of values in 0..1 with a percentile bootstrap interval over groups; None without items.

    If all draws agree (everything right, or a single group), resampling would claim certainty; the
    Wilson score interval replaces it, with the number of groups as trials (E. B. Wilson, 1927,
    doi:10.1080/01621459.1927.10502953).
    """
    if not len(values):
        return None
    sums, counts = sum_by_group(values, groups)
    mean = float(sums.sum() / counts.sum())
    low, high = _bootstrap(sums, counts, seed)
    if high - low < 1e-12:
        low, high = wilson_interval(mean, len(sums))
    return Interval(mean, low, high, int(counts.sum()), len(sums))


def difference_interval(
    differences: Sequence[float] | NDArray[np.float64],
    groups: Sequence[Hashable],
    *,
    seed: int = 0,
) -> Difference | None:
    """Mean of paired differences (-1..1) with a percentile bootstrap interval over groups.

    None without pairs. For a single group, or draws that all agree, resampling would claim
    certainty, so there are no bounds. (A difference is not a share of trials, so no Wilson interval
    replaces it.)
    """
    if not len(differences):
        return None
    sums, counts = sum_by_group(differences, groups)
    low, high = _bootstrap(sums, counts, seed)
    mean, size = float(sums.sum() / counts.sum()), (int(counts.sum()), len(sums))
    if high - low < 1e-12:
        return Difference(mean, None, None, *size)
    return Difference(mean, low, high, *size)


def permutation_p(
    differences: Sequence[float] | NDArray[np.float64],
    groups: Sequence[Hashable],
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> float:
    """Two-sided p-value of a paired comparison, swapping the sides of whole groups at random.

    Under the null hypothesis that neither model is better, a group's sum of differences is equally
    likely with either sign. Exact for few groups; otherwise (hits + 1) / (draws + 1).
    """
    sums, _ = sum_by_group(differences, groups)
    moved = sums[np.abs(sums) > 1e-12]
    observed = abs(moved.sum()) - 1e-9
    if not len(moved):
        return 1.0
    if len(moved) <= EXACT_GROUPS:
        patterns = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ moved) >= observed))
    rng = np.random.default_rng(seed)
    hits = 0
    for start in range(0, draws, CHUNK):
        size = (min(CHUNK, draws - start), len(moved))
        signs = 1.0 - 2.0 * rng.integers(0, 2, size)
        hits += int(np.count_nonzero(np.abs(signs @ moved) >= observed))
    return (hits + 1) / (draws + 1)


def sum_by_group(
    values: Sequence[float] | NDArray[np.float64], groups: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of values per group, (groups,) each."""
    places: dict[Hashable, int] = {}
    which = [places.setdefault(group, len(places)) for group in groups]
    flat = np.asarray(values, dtype=np.float64)
    sums = np.bincount(which, weights=flat, minlength=len(places)).astype(np.float64)
    return sums, np.bincount(which, minlength=len(places)).astype(np.float64)


def wilson_interval(share: float, trials: int) -> tuple[float, float]:
    """Wilson score interval at 95 % for a share of independent trials."""
    spread = Z95**2 / trials
    middle = (share + spread / 2) / (1 + spread)
    half = Z95 / (1 + spread) * (share * (1 - share) / trials + spread / (4 * trials)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def _bootstrap(
    sums: NDArray[np.float64], counts: NDArray[np.float64], seed: int
) -> tuple[float, float]:
    """2.5 and 97.5 % percentiles of the mean over groups drawn with replacement."""
    rng = np.random.default_rng(seed)
    shares = np.full(len(sums), 1 / len(sums))
    means = []
    for start in range(0, DRAWS, CHUNK):
        # (draws, groups): how often each group was drawn
        draws = rng.multinomial(len(sums), shares, size=min(CHUNK, DRAWS - start))
        means.append((draws @ sums) / (draws @ counts))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)
