"""Pairs and comparisons as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class NewPair:
    """Two completions to be compared."""

    item_id: str
    """The worklist's item that both answer."""

    one_completion_id: str
    """One of the two."""

    other_completion_id: str
    """The other."""

    plan: str
    """How it was drawn: `all`, `uniform`, `between-models` or `one-per-item`."""

    seed: int
    """Of the drawing."""

    probability: float
    """How likely the plan was to draw it; above 0, at most 1."""


@dataclass(frozen=True)
class PairRecord(NewPair):
    """A stored pair; its completions in the order of their ids."""

    id: str
    """UUID as text."""

    created_at: datetime
    """When it was drawn, UTC."""


@dataclass(frozen=True)
class ComparisonRecord:
    """A pair in a rater's hands, or the two answers to his own question."""

    id: str
    """UUID as text."""

    rater_id: str
    """Who compares."""

    pair_id: str | None
    """The worklist's pair; None for an own question."""

    question_id: str | None
    """The own question's reading; None for a pair."""

    round: int
    """0, or 1 for a repeat."""

    flipped: bool
    """Whether the pair's other completion, or answer 1, stands on the left."""

    started_at: datetime
    """When it was handed out, UTC."""

    ended_at: datetime | None
    """When it was voted on or passed over, UTC."""

    skipped: bool
    """Whether it was passed over."""

    feedback_id: str | None
    """The vote; None before it, and after it was undone."""


@dataclass(frozen=True)
class PairProgress:
    """How far the comparing of a list is."""

    pairs: int
    """That were drawn."""

    mine: int
    """That this rater was given or may still be given; those that others have are not his."""

    done: int
    """That this rater has voted on or passed over, repeats not counted."""
