"""Records of worklists, items and assignments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class NewWorklist:
    """A worklist and its rules."""

    name: str
    """Unique."""

    account_id: str
    """Account that created it."""

    blind: bool = True
    """Whether raters answer before they see the model's answers."""

    teaching: bool = False
    """Whether the reference is shown afterwards and the labels are left out of exports."""

    overlap: float = 1.0
    """Share of the items that every rater gets; each other item goes to one rater."""

    repeats: float = 0.1
    """Share of a rater's items that are repeated after the washout."""


@dataclass(frozen=True)
class WorklistRecord(NewWorklist):
    """A stored worklist."""

    id: str = ""
    """UUID as text."""

    created_at: datetime = datetime.min
    """When it was stored, UTC."""


@dataclass(frozen=True)
class NewItem:
    """A question about a region."""

    slide_id: str
    """Its slide."""

    x: int
    """Left edge, level-0 pixels."""

    y: int
    """Top edge."""

    width: int
    """Width."""

    height: int
    """Height."""

    question: str
    """Question text."""

    options: Sequence[str]
    """Answer options; empty for a free answer."""

    task: str | None
    """Question type."""

    reference_answer: str | None
    """Correct answer; None if unknown."""


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
    """Question with its completions; None until they exist."""


@dataclass(frozen=True)
class AssignmentRecord:
    """An item assigned to a rater."""

    id: str
    """UUID as text."""

    item_id: str
    """The item."""

    rater_id: str
    """The rater."""

    round: int
    """0, or 1 for a repeat."""

    started_at: datetime
    """When it was assigned, UTC."""

    first_answer: str | None
    """Rater's own answer, before they saw the model's."""

    first_confidence: int | None
    """Confidence, 1 to 5."""

    ended_at: datetime | None
    """When it ended, UTC; None while open."""

    skipped: bool
    """Whether it was skipped."""


@dataclass(frozen=True)
class WorklistProgress:
    """One rater's progress through a list."""

    items: int
    """Items on the list."""

    made: int
    """Items with completions."""

    mine: int
    """Items assigned or available to this rater; excludes those reserved for others."""

    done: int
    """Items that this rater finished, not counting repeats."""

    skipped: int
    """Finished items that were skipped."""
