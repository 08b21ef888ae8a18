"""Stated confidence against being right, and what seeing the model did to a first answer."""

from __future__ import annotations

from typing import Any

import pytest

from pathviewer.insights.answer_shift import BlindAnswer, final_answer, measure_shift
from pathviewer.insights.confidence import ConfidenceRating, calibration, rate_against_others
from pathviewer.insights.values import Label

OPTIONS = ("benign", "adenocarcinoma", "squamous cell carcinoma")


def reading(**given: Any) -> BlindAnswer:
    """A reading whose first answer stayed; neither the model nor a reference says anything."""
    known = {"case": "c", "options": OPTIONS, "first": "benign", "final": "benign"}
    return BlindAnswer(**({"model": None, "reference": None} | known | given))


def test_levels_are_those_that_were_stated_with_their_means() -> None:
    found = calibration(
        [ConfidenceRating("a", 5, 1), ConfidenceRating("b", 5, 0.5), ConfidenceRating("a", 2, 0)]
    )
    assert [(level.confidence, level.count, level.right.value) for level in found] == [
        (2, 1, 0),
        (5, 2, 0.75),
    ]


def test_a_rater_is_held_against_the_others_of_the_same_item() -> None:
    said = [("1", "a", "x", 4), ("1", "b", "x", None), ("1", "c", "y", 1), ("2", "a", "x", 5)]
    labels = [(Label("case", item, rater, label), sure) for item, rater, label, sure in said]
    # b says nothing of how sure he is, and nobody else judged the second item
    assert rate_against_others(labels) == [
        ConfidenceRating("case", 4, 0.5),
        ConfidenceRating("case", 1, 0),
    ]


@pytest.mark.parametrize(
    ("verdict", "corrected", "final"),
    [
        ("correct", None, "A"),
        ("correct", "B", "A"),  # nothing to correct
        ("incorrect", "B", "B"),
        ("partly_correct", "B", "B"),
        ("incorrect", None, None),  # wrong, but what is right?
        ("incorrect", "", None),
        ("unsure", None, None),
        (None, None, None),  # not judged
    ],
)
def test_a_verdict_tells_what_its_rater_holds_for_right(
    verdict: str | None, corrected: str | None, final: str | None
) -> None:
    assert final_answer(verdict, corrected, "A") == final


def test_an_answer_is_the_same_by_letter_and_by_text() -> None:
    found = measure_shift([reading(first="A", model="A) benign", final="Benign.")])
    assert (found.answers, found.agreed, found.changed.value) == (1, 1, 0)


def test_changes_go_to_the_model_or_elsewhere() -> None:
    found = measure_shift(
        [
            reading(model="adenocarcinoma", final="adenocarcinoma"),
            reading(model="adenocarcinoma", final="squamous cell carcinoma"),
            reading(model="adenocarcinoma"),
            reading(model="adenocarcinoma", final=None),
        ]
    )
    assert (found.answers, found.unassessed, found.agreed) == (3, 1, 0)
    assert (found.to_model, found.elsewhere) == (1, 1)
    assert found.changed.value == pytest.approx(2 / 3)


def test_helped_and_harmed_are_told_only_where_there_is_a_reference() -> None:
    model = {"model": "adenocarcinoma", "final": "adenocarcinoma"}
    found = measure_shift(
        [
            reading(**model),
            reading(**model, reference="adenocarcinoma"),
            reading(**model, reference="adenocarcinoma"),
            reading(**model, reference="A"),
        ]
    )
    assert (found.referenced, found.helped, found.harmed) == (3, 2, 1)
    assert found.first_right.value == pytest.approx(1 / 3)
    assert found.final_right.value == pytest.approx(2 / 3)


def test_nothing_asked_blind_is_no_division_by_zero() -> None:
    found = measure_shift([])
    assert (found.answers, found.changed.value) == (0, None)
