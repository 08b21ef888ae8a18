"""Worklists, their items and turns as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class NewWorklist:
    """A list and its rules."""

    name: str
    """Unique."""

    account_id: str
    """Who made it."""

    blind: bool = True
    """Whether raters answer before they see the model's answers."""

    teaching: bool = False
    """Whether the reference is shown afterwards, and the labels stay out of exports."""

    overlap: float = 1.0
    """Share of the items that every rater gets; each of the others goes to one."""

    repeats: float = 0.1
    """Share of one's own items that come again after the washout."""


@dataclass(frozen=True)
class WorklistRecord(NewWorklist):
    """A stored list."""

    id: str = ""
    """UUID as text."""

    created_at: datetime = datetime.min
    """When it was stored, UTC."""


@dataclass(frozen=True)
class NewItem:
    """A question about a region."""

    slide_id: str
    """The slide."""

    x: int
    """Left edge, level-0 pixels."""

    y: int
    """Upper edge."""

    width: int
    """Width."""

    height: int
    """Height."""

    question: str
    """What is asked."""

    options: Sequence[str]
    """Answers to choose from; empty if the answer is free."""

    task: str | None
    """Question type."""

    reference_answer: str | None
    """What is right; None if that is not known."""


@dataclass(frozen=True)
class ItemRecord(NewItem):
    """A stored item."""

    id: str
    """UUID as text."""

    worklist_id: str
    """Its list."""

    position: int
    """Place in the list, from 0."""

    question_id: str | None
    """The reading with its completions; None until they are made."""


@dataclass(frozen=True)
class AssignmentRecord:
    """An item in a rater's hands."""

    id: str
    """UUID as text."""

    item_id: str
    """The item."""

    rater_id: str
    """Who judges."""

    round: int
    """0, or 1 for a repeat."""

    started_at: datetime
    """When it was handed out, UTC."""

    first_answer: str | None
    """The rater's own answer, before the model's was shown."""

    first_confidence: int | None
    """How sure, 1 to 5."""

    ended_at: datetime | None
    """When it was done with, UTC."""

    skipped: bool
    """Whether it was passed over."""


@dataclass(frozen=True)
class WorklistProgress:
    """How far a list is."""

    items: int
    """On the list."""

    made: int
    """With completions."""

    mine: int
    """That this rater was given or may still be given; those that others have are not his."""

    done: int
    """That this rater is done with, repeats not counted."""

    skipped: int
    """Of these, passed over."""
