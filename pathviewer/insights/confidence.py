"""Calibration: whether confident raters are right more often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pathviewer.insights.resampling import ratio
from pathviewer.insights.values import Estimate, Label


@dataclass(frozen=True)
class ConfidenceRating:
    """One rating with its rater's confidence."""

    case: str
    """Unit of resampling, as in `Label`."""

    confidence: int
    """1 (guessing) to 5 (certain)."""

    right: float
    """1 right, 0 wrong; in between, the share of other raters who agree."""


@dataclass(frozen=True)
class Level:
    """All ratings of one stated confidence."""

    confidence: int
    """1 to 5."""

    count: int
    """Number of ratings."""

    right: Estimate
    """Mean of `right`."""


def calibration(ratings: Iterable[ConfidenceRating]) -> list[Level]:
    """Return the levels present, lowest confidence first."""
    by_level: dict[int, list[tuple[str, float, float]]] = {}
    for each in ratings:
        by_level.setdefault(each.confidence, []).append((each.case, each.right, 1))
    return [Level(level, len(parts), ratio(parts)) for level, parts in sorted(by_level.items())]


def rate_against_others(labels: Sequence[tuple[Label, int | None]]) -> list[ConfidenceRating]:
    """Compare each label that has a confidence with the other raters' labels of the item."""
    of_item: dict[str, list[Label]] = {}
    for label, _ in labels:
        of_item.setdefault(label.item, []).append(label)
    ratings = []
    for label, confidence in labels:
        other_labels = [each for each in of_item[label.item] if each.rater != label.rater]
        if confidence is not None and other_labels:
            same = sum(each.label == label.label for each in other_labels) / len(other_labels)
            ratings.append(ConfidenceRating(label.case, confidence, same))
    return ratings
