"""Comparisons: two completions side by side."""

from __future__ import annotations

from typing import Literal

from pathviewer.api.schemas.base import BoxOut, Facts, OutlineOut, Response, SlideName, Timestamp
from pathviewer.api.schemas.feedback import ChoiceName, ReasonName
from pathviewer.api.schemas.questions import Finish, Trace
from pathviewer.api.schemas.worklists import WorklistName
from pathviewer.common.schema import QuerySchema

SideName = Literal["left", "right"]


class SideQuery(QuerySchema):
    """A side of a comparison."""

    side: SideName


class PairProgress(Response):
    """One rater's progress through a list's pairs."""

    pairs: int
    """Pairs drawn."""
    mine: int
    """Pairs assigned or available to the rater; excludes those reserved for others."""
    done: int
    """Pairs that the rater voted on or skipped, not counting repeats."""


class ComparisonList(PairProgress):
    """A worklist with pairs, and the caller's progress."""

    id: str
    name: str


class Side(Response):
    """A completion, without its author."""

    text: str
    finish: Finish
    trace: Trace


class Sides(Response):
    """Both completions."""

    left: Side
    right: Side


class Author(Response):
    """Who wrote a completion; shown after the vote."""

    model: str
    model_revision: str | None
    sampling: Facts
    reading: str
    """Id of the question."""
    index: int
    seconds: float
    created_at: Timestamp


class Authors(Response):
    """Who wrote both completions."""

    left: Author
    right: Author


class Vote(Response):
    """The caller's vote."""

    choice: ChoiceName
    reasons: list[ReasonName]
    comment: str | None
    created_at: Timestamp


class OtherVote(Response):
    """Another rater's vote, from the caller's sides."""

    rater: str
    """Pseudonym."""
    choice: ChoiceName


class Draw(Response):
    """How the pair was drawn."""

    plan: str
    seed: int
    probability: float


class ComparisonOut(Response):
    """A comparison as its rater may see it now; the vote and what follows are null before it."""

    id: str
    worklist: WorklistName | None
    """Null for an own question."""
    round: int
    """0, or 1 for a repeat."""
    slide: SlideName
    slide_identity: Facts | None
    box: BoxOut
    points: OutlineOut | None
    question: str
    options: list[str]
    state: Literal["ready", "streaming", "failed", "voted", "skipped"]
    error: str | None
    reading: str | None
    """Id of an own question."""
    flipped: bool | None
    """Whether completion 1 of an own question is on the left."""
    sides: Sides | None
    vote: Vote | None
    names: Authors | None
    others: list[OtherVote] | None
    drawn: Draw | None
    progress: PairProgress | None = None
    """Null for an own question."""


class NextComparison(Response):
    """The rater's open or next pair; null if there is none."""

    comparison: ComparisonOut | None
