"""Worklists, their items and a rater's progress."""

from __future__ import annotations

from pathviewer.api.schemas.base import BoxOut, Response, SlideName
from pathviewer.common.schema import Schema


class EndRequest(Schema):
    """How a rater leaves an item."""

    skipped: bool = False
    """Whether they skip it; an item with feedback is not marked as skipped."""


class WorklistName(Response):
    """A worklist."""

    id: str
    name: str


class Progress(Response):
    """One rater's progress through a list."""

    items: int
    made: int
    """Items with completions."""
    mine: int
    """Items assigned or available to the rater; excludes those reserved for others."""
    done: int
    """Items that the rater finished, not counting repeats."""
    skipped: int
    """Finished items that were skipped."""


class WorklistOut(Progress):
    """A worklist with the caller's progress."""

    id: str
    name: str
    blind: bool
    teaching: bool


class ItemCompletion(Response):
    """A completion of an item."""

    id: str
    index: int
    text: str
    judged: bool
    """Whether the caller gave a verdict or vote in this assignment."""


class WorklistItemOut(Response):
    """An item as its rater may see it now."""

    id: str
    worklist: WorklistName
    slide: SlideName
    box: BoxOut
    question: str
    options: list[str]
    task: str | None
    round: int
    """0, or 1 for a repeat."""
    blind: bool
    teaching: bool
    first_answer: str | None
    first_confidence: int | None
    reading: str | None
    """Id of the question; null while the rater owes their own answer."""
    completions: list[ItemCompletion] | None
    reference_answer: str | None
    ended: bool


class NextItem(Response):
    """The rater's open or next item; null if there is none."""

    item: WorklistItemOut | None
    worklist: WorklistName
    progress: Progress


class EndedItem(Response):
    """An item that the rater left."""

    id: str
    again: bool
    """Whether it had ended before."""
