"""Measures of agreement against published worked examples, and what they do with odd data."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from pathviewer.insights.agreement import agreement, agreement_by_pair, cohen
from pathviewer.insights.values import UNKNOWN, Label

FOUR_RATERS = """
1 1 . 1
2 2 3 2
3 3 3 3
3 3 3 3
2 2 2 2
1 2 3 4
4 4 4 4
1 1 2 1
2 2 2 2
. 5 5 5
. . 1 1
. . 3 .
"""
"""Krippendorff's example of four observers, which Gwet's R package irrCAC has as cac.raw4raters."""


def labels(rows: str) -> list[Label]:
    """One item a line, one rater a column, `.` where there is none; each item its own case."""
    return [
        Label(str(item), str(item), str(rater), label)
        for item, line in enumerate(rows.split("\n"))
        for rater, label in enumerate(line.split())
        if label != "."
    ]


def test_four_raters_with_gaps_as_published() -> None:
    found = agreement(labels(FOUR_RATERS))
    assert (found.items, found.cases, found.raters) == (11, 11, 4)
    # vignette of irrCAC 1.0 (CRAN), "Calculating Chance-corrected Agreement Coefficients"
    assert found.raw.value == pytest.approx(0.8181818, abs=1e-7)
    assert found.ac1.value == pytest.approx(0.77544, abs=5e-6)
    assert found.fleiss.value == pytest.approx(0.76117, abs=5e-6)
    # K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011, section C: 0.743
    assert found.alpha.value == pytest.approx(0.74342, abs=5e-6)


def test_two_abstractors_as_gwet_works_them_out() -> None:
    # cont3x3abstractors of Gwet's R package irrCAC, README at github.com/kgwet/irrCAC
    table = {("e", "e"): 13, ("a", "a"): 20, ("a", "n"): 7, ("n", "a"): 4, ("n", "n"): 56}
    rows = "\n".join(f"{a} {b}" for (a, b), count in table.items() for _ in range(count))
    found = agreement(labels(rows))
    assert found.raw.value == pytest.approx(0.89)
    assert found.ac1.value == pytest.approx(0.8493305, abs=5e-8)
    assert found.fleiss.value == pytest.approx(0.7962397, abs=5e-8)  # Scott's pi of two raters
    assert found.alpha.value == pytest.approx(0.7972585, abs=5e-8)
    (pair,) = agreement_by_pair(labels(rows))
    assert pair.cohen.value == pytest.approx(0.7964094, abs=5e-8)


SIX_RATERS = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
"""
"""distrib.6raters of the same package: of 15 patients how many of six psychiatrists said which."""


def test_six_psychiatrists_as_gwet_works_them_out() -> None:
    said = [
        "".join(label * int(count) for label, count in zip("abcde", patient, strict=True))
        for patient in SIX_RATERS.split()
    ]
    found = agreement(labels("\n".join(map(" ".join, said))))
    assert found.raw.value == pytest.approx(0.5511111, abs=5e-8)
    assert found.ac1.value == pytest.approx(0.4448007, abs=5e-8)
    assert found.fleiss.value == pytest.approx(0.4139265, abs=5e-8)
    assert found.alpha.value == pytest.approx(0.4204384, abs=5e-8)


@pytest.mark.parametrize(
    ("first", "second", "alpha"),
    [
        ("0100000010", "1110010000", 0.095),  # section A: binary, two observers
        ("aabbdcccedda", "babbbccceddd", 0.692),  # section B: nominal, two observers
    ],
)
def test_two_observers_as_krippendorff_works_them_out(
    first: str, second: str, alpha: float
) -> None:
    rows = "\n".join(f"{left} {right}" for left, right in zip(first, second, strict=True))
    assert agreement(labels(rows)).alpha.value == pytest.approx(alpha, abs=5e-4)


def test_cohens_kappa_as_fleiss_levin_and_paik_work_it_out() -> None:
    # Statistical Methods for Rates and Proportions, 3rd edition, 2003, table 18.1: 0.68
    table = {("p", "p"): 75, ("p", "n"): 1, ("p", "o"): 4, ("n", "p"): 5, ("n", "n"): 4}
    table |= {("n", "o"): 1, ("o", "o"): 10}
    rows = "\n".join(f"{a} {b}" for (a, b), count in table.items() for _ in range(count))
    (pair,) = agreement_by_pair(labels(rows))
    assert pair.items == 100
    assert pair.raw.value == pytest.approx(0.89)
    assert pair.cohen.value == pytest.approx(0.676, abs=5e-4)
    assert pair.cohen.low is not None
    assert pair.cohen.high is not None
    # the delta method's interval (statsmodels' own, 0.50 to 0.85) is near the bootstrap's
    assert pair.cohen.low == pytest.approx(0.50, abs=0.05)
    assert pair.cohen.high == pytest.approx(0.85, abs=0.05)


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=20))
def test_fleiss_is_that_of_statsmodels_where_all_items_have_all_raters(
    items: list[list[int]],
) -> None:
    rows = "\n".join(" ".join(map(str, item)) for item in items)
    table = np.array([[item.count(label) for label in range(4)] for item in items])
    with np.errstate(invalid="ignore"):
        wanted = fleiss_kappa(table)
    found = agreement(labels(rows)).fleiss.value
    if math.isnan(wanted):
        assert found is None
    else:
        assert found == pytest.approx(wanted)


@pytest.mark.parametrize(
    "rows",
    [
        "",  # nothing judged
        "a",  # one rater
        "a .\n. b",  # nobody judged what another one did
        "a a\na a",  # nothing but one label: chance explains it all
    ],
)
def test_there_is_no_kappa_of_data_that_have_none(rows: str) -> None:
    found = agreement(labels(rows))
    assert found.fleiss == found.ac1 == found.alpha == UNKNOWN


def test_rare_events_leave_ac1_defined_where_the_kappas_are_not() -> None:
    found = agreement(labels("no no\nno no"), ("yes", "no"))
    assert (found.ac1.value, found.fleiss.value, found.alpha.value) == (1, None, None)


def test_the_interval_is_over_cases_and_not_over_items() -> None:
    one = [
        Label(case, f"{case}{item}", rater, rater if case == "c0" else "x")
        for case in ("c0", "c1")
        for item in range(30)
        for rater in "ab"
    ]
    found = agreement(one).raw
    # two cases, one without any agreement: resampling items would say about 0.37 to 0.63
    assert (found.value, found.low, found.high) == (0.5, 0, 1)


def test_one_case_has_a_figure_and_no_interval() -> None:
    rows = labels("a a\na b\nb b")
    found = agreement([Label("same", each.item, each.rater, each.label) for each in rows]).raw
    assert found.value == pytest.approx(2 / 3)
    assert (found.low, found.high) == (None, None)


def test_pairs_are_those_who_judged_the_same() -> None:
    found = agreement_by_pair(labels("a a .\nb a .\n. b b"))
    assert [(pair.first, pair.second, pair.items) for pair in found] == [
        ("0", "1", 2),
        ("1", "2", 1),
    ]


@given(st.lists(st.integers(0, 40), min_size=9, max_size=9).filter(any))
def test_cohens_kappa_of_many_tables_is_the_librarys(cells: list[int]) -> None:
    table = np.array(cells, dtype=float).reshape(3, 3)
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # the library's, where chance explains all
        wanted = float(cohens_kappa(table, return_results=False))
        found = cohen(np.stack([table, 2 * table]))
    if np.isfinite(wanted):
        assert found == pytest.approx([wanted] * 2, abs=1e-9)
    else:
        assert not np.isfinite(found).any()
