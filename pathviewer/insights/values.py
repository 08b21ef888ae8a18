"""What the statistics take and give: plain values, no database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """What one rater said of one item."""

    case: str
    """What is resampled: the item's case, or its slide where no case is known."""

    item: str
    """What was judged."""

    rater: str
    """Who judged."""

    label: str
    """What was said."""


@dataclass(frozen=True)
class Vote:
    """One comparison of two answers."""

    case: str
    """What is resampled, as in `Label`."""

    left_model: str
    """Who wrote the answer on the left."""

    right_model: str
    """Who wrote the other one; may be the same."""

    choice: str
    """`left`, `right`, `tie` or `both_bad`."""

    left_length: int
    """Characters of the answer on the left."""

    right_length: int
    """Characters of the other one."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float | None
    """None where it is not defined."""

    low: float | None = None
    """Lower end; None where there are too few cases to tell."""

    high: float | None = None
    """Upper end."""


UNKNOWN = Estimate(None)
"""A figure of nothing."""
