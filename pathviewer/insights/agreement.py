"""Agreement of raters: raw agreement, Cohen, Fleiss, Gwet's AC1, Krippendorff's alpha.

Cohen's kappa follows statsmodels. Its Fleiss' kappa needs the same number of raters on every item,
and the libraries for the others are under the GPL or pin another SciPy. They are therefore written
out here as sums over items: K. L. Gwet, Handbook of Inter-Rater Reliability, 4th edition, 2014,
chapters 2 and 5; K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pathviewer.insights.resampling import LEAST_CASES, case_codes, intervals
from pathviewer.insights.values import UNKNOWN, Estimate, Label

LEAST_RATERS = 2


@dataclass(frozen=True)
class Agreement:
    """Agreement of raters on the same items, by four measures."""

    items: int
    """Items with at least two raters."""

    cases: int
    """Cases of these items."""

    raters: int
    """Raters of these items."""

    raw: Estimate
    """Probability that two raters of an item agree."""

    fleiss: Estimate
    """Fleiss' kappa, for any number of raters per item."""

    ac1: Estimate
    """Gwet's AC1, which stays meaningful if nearly all labels are the same."""

    alpha: Estimate
    """Krippendorff's alpha, nominal."""


@dataclass(frozen=True)
class PairAgreement:
    """Agreement of two raters on the same items."""

    first: str
    """First rater."""

    second: str
    """Second rater."""

    items: int
    """Items that both judged."""

    raw: Estimate
    """Share of items with the same label."""

    cohen: Estimate
    """Cohen's kappa."""


def agreement(labels: Sequence[Label], possible: Sequence[str] = ()) -> Agreement:
    """Return the agreement of all raters; items with one rater count only towards chance.

    `possible` are the labels that raters could give, used or not: AC1 depends on their number.
    """
    if not labels:
        return Agreement(0, 0, 0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    items = case_codes([each.item for each in labels])  # (labels given,)
    counts, cases = _counts(labels, items, possible)  # (items, labels), (items,)
    several = counts.sum(axis=1) >= LEAST_RATERS
    of_cases = np.zeros((cases.max() + 1, 4 + 2 * counts.shape[1]))
    np.add.at(of_cases, cases, _sums(counts))
    counted = several[items].tolist()
    raters = {each.rater for each, shared in zip(labels, counted, strict=True) if shared}
    figures = intervals(of_cases, (raw, fleiss, ac1, alpha))
    return Agreement(int(several.sum()), len(set(cases[several].tolist())), len(raters), *figures)


def _counts(
    labels: Sequence[Label], items: NDArray[np.int64], possible: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the raters per label (items, labels) and each item's case (items,)."""
    label_names = sorted({each.label for each in labels} | set(possible))
    names = {name: place for place, name in enumerate(label_names)}
    counts = np.zeros((items.max() + 1, len(names)))
    np.add.at(counts, (items, np.array([names[each.label] for each in labels])), 1)
    cases = np.zeros(len(counts), dtype=np.int64)
    cases[items] = case_codes([each.case for each in labels])
    return counts, cases


def _sums(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each item's terms of the measures, (items, 4 + 2 labels)."""
    raters = counts.sum(axis=1, keepdims=True)
    several = raters >= LEAST_RATERS
    same = (counts * (counts - 1)).sum(axis=1, keepdims=True)
    pairs = np.where(several, raters * (raters - 1), 1)
    return np.hstack(
        (
            several,  # items with at least two raters
            np.where(several, same / pairs, 0),
            np.where(several, same * raters / pairs, 0),  # agreeing values, Krippendorff's o_kk
            np.ones_like(raters),
            counts / raters,
            np.where(several, counts, 0),
        )
    ).astype(float)


def raw(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return raw agreement, p_a, from sums (..., 4 + 2 labels)."""
    return np.asarray(sums[..., 1] / sums[..., 0])


def fleiss(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Fleiss' kappa from such sums; chance agreement is the sum of pi_k^2."""
    return _beyond(raw(sums), (_shares(sums) ** 2).sum(axis=-1))


def ac1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Gwet's AC1; chance agreement is the sum of pi_k (1 - pi_k) / (labels - 1)."""
    shares = _shares(sums)
    return _beyond(raw(sums), (shares * (1 - shares)).sum(axis=-1) / (shares.shape[-1] - 1))


def alpha(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Krippendorff's nominal alpha; values of items with one rater are excluded."""
    values = sums[..., 4 + _labels(sums) :]
    total = values.sum(axis=-1)
    by_chance = (values * (values - 1)).sum(axis=-1) / (total * (total - 1))
    return _beyond(sums[..., 2] / total, by_chance)


def _labels(sums: NDArray[np.float64]) -> int:
    return int(sums.shape[-1] - 4) // 2


def _shares(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return pi_k: an item's share of each label, averaged over items."""
    return np.asarray(sums[..., 4 : 4 + _labels(sums)] / sums[..., 3, np.newaxis])


def _beyond(
    observed_share: NDArray[np.float64], by_chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return agreement beyond chance; nan if chance explains everything."""
    left = np.where(by_chance < 1, 1 - by_chance, np.nan)
    return np.asarray((observed_share - by_chance) / left)


def agreement_by_pair(labels: Sequence[Label]) -> list[PairAgreement]:
    """Return the agreement of all pairs of raters with shared items, by name."""
    labels_by_rater: dict[str, dict[str, Label]] = {}
    cases: dict[str, int] = {}
    for each in labels:
        labels_by_rater.setdefault(each.rater, {})[each.item] = each
        cases.setdefault(each.case, len(cases))
    results = []
    for first, second in combinations(sorted(labels_by_rater), 2):
        shared_items = sorted(labels_by_rater[first].keys() & labels_by_rater[second].keys())
        if shared_items:
            pairs = [
                (labels_by_rater[first][item], labels_by_rater[second][item])
                for item in shared_items
            ]
            results.append(pair_agreement(first, second, pairs, cases))
    return results


def pair_agreement(
    first: str,
    second: str,
    pairs: Sequence[tuple[Label, Label]],
    cases: Mapping[str, int] | None = None,
) -> PairAgreement:
    """Return the agreement of two raters from their labels of the same items.

    `cases` numbers the cases to resample. If these two are among many raters, it covers all their
    cases, so that one draw serves every pair.
    """
    cases_of_pairs = {left.case for left, _ in pairs}
    if cases is None or len(cases_of_pairs) < LEAST_CASES:
        cases = {case: number for number, case in enumerate(sorted(cases_of_pairs))}
    names = sorted({each.label for pair in pairs for each in pair})
    places = {name: place for place, name in enumerate(names)}
    codes = np.array([cases[left.case] for left, _ in pairs])
    tables = np.zeros((len(cases), len(names), len(names)))
    left, right = (np.array([places[pair[side].label] for pair in pairs]) for side in (0, 1))
    np.add.at(tables, (codes, left, right), 1)
    of_cases = tables.reshape(len(tables), -1)
    same, size = np.eye(len(names)).ravel(), len(names)
    agreed, kappa = intervals(
        of_cases,
        (
            lambda sums: sums @ same / sums.sum(axis=-1),
            lambda sums: cohen(sums.reshape(*sums.shape[:-1], size, size)),
        ),
    )
    return PairAgreement(first, second, len(pairs), agreed, kappa)


def cohen(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Cohen's kappa of tables (..., labels, labels), as statsmodels' `cohens_kappa`.

    Chance agreement is the sum of the products of both raters' shares.
    """
    total = tables.sum(axis=(-2, -1))
    observed_share = np.trace(tables, axis1=-2, axis2=-1) / total
    shares = tables.sum(axis=-1) * tables.sum(axis=-2)
    return _beyond(observed_share, shares.sum(axis=-1) / total**2)
