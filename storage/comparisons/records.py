"""Pairs and comparisons as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class NewPair:
    """Two completions to compare."""

    item_id: str
    """Worklist item that both answer."""

    one_completion_id: str
    """First completion."""

    other_completion_id: str
    """Second completion."""

    plan: str
    """Sampling plan: `all`, `uniform`, `between-models` or `one-per-item`."""

    seed: int
    """Seed of the draw."""

    probability: float
    """Probability that the plan draws this pair; above 0, at most 1."""


@dataclass(frozen=True)
class PairRecord(NewPair):
    """A stored pair, its completions ordered by id."""

    id: str
    """UUID as text."""

    created_at: datetime
    """When it was drawn, UTC."""


@dataclass(frozen=True)
class ComparisonRecord:
    """A pair assigned to a rater, or the two completions of their own question."""

    id: str
    """UUID as text."""

    rater_id: str
    """The rater."""

    pair_id: str | None
    """Worklist pair; None for an own question."""

    question_id: str | None
    """The own question; None for a pair."""

    round: int
    """0, or 1 for a repeat."""

    flipped: bool
    """Whether the pair's second completion, or completion 1 of an own question, is on the left."""

    started_at: datetime
    """When it was assigned, UTC."""

    ended_at: datetime | None
    """When it was voted on or skipped, UTC; None while open."""

    skipped: bool
    """Whether it was skipped."""

    feedback_id: str | None
    """The vote; None before it and after it was undone."""


@dataclass(frozen=True)
class PairProgress:
    """One rater's progress through a list's pairs."""

    pairs: int
    """Pairs drawn."""

    mine: int
    """Pairs assigned or available to this rater; excludes those reserved for others."""

    done: int
    """Pairs that this rater voted on or skipped, not counting repeats."""
