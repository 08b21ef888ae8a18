"""Inputs and outputs of the statistics: plain values, no database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """One rater's label of one item."""

    case: str
    """Unit of resampling: the item's case, or its slide if no case is known."""

    item: str
    """Id of the item."""

    rater: str
    """Name of the rater."""

    label: str
    """The label."""


@dataclass(frozen=True)
class Vote:
    """One comparison of two answers."""

    case: str
    """Unit of resampling, as in `Label`."""

    left_model: str
    """Author of the left answer."""

    right_model: str
    """Author of the right answer; may be the same."""

    choice: str
    """One of `storage.feedback.vocabulary.CHOICES`."""

    left_length: int
    """Characters of the left answer."""

    right_length: int
    """Characters of the right answer."""


@dataclass(frozen=True)
class Estimate:
    """A statistic with its 95 % interval."""

    value: float | None
    """None if undefined."""

    low: float | None = None
    """Lower end; None with too few cases."""

    high: float | None = None
    """Upper end; None with too few cases."""


UNKNOWN = Estimate(None)
"""An undefined statistic."""
