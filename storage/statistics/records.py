"""Filters and rows of statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from storage.blinding.policy import Viewer


@dataclass(frozen=True)
class Filters:
    """Which feedback counts; None filters nothing."""

    since: datetime | None = None
    """Feedback from this time on, UTC."""
    until: datetime | None = None
    """Feedback before this time, UTC."""
    zone: str = "UTC"
    """IANA time zone of the rows' days."""
    model: str | None = None
    """Model rated."""
    task: str | None = None
    """Question type; "" for questions without a known type."""
    organ: str | None = None
    """Organ of the slide; "" where unknown."""
    slide_id: str | None = None
    """Slide asked about."""
    rater_id: str | None = None
    """Account of the rater."""
    blind_votes: bool = False
    """Whether to count only votes cast without knowing the models' names."""
    viewer: Viewer | None = None
    """Who views the statistics: only feedback visible to them counts; None counts all."""


NO_FILTERS = Filters()


class VerdictRow(NamedTuple):
    """A verdict."""

    case: str
    """Id of the slide's case, or of the slide where the case is unknown."""
    completion: str
    """Id of the completion rated."""
    rater: str
    """Account id of the rater."""
    day: str
    """Day it was given, `YYYY-MM-DD` in the filters' zone."""
    model: str
    """Model that wrote the completion."""
    task: str
    """Question type; "" for none."""
    organ: str
    """Organ of the slide; "" where unknown."""
    slide: str
    """Id of the slide."""
    verdict: str
    """The verdict."""
    confidence: int | None
    """Confidence, 1 to 5."""


class RepeatRow(NamedTuple):
    """A rater's verdicts on a completion, or votes on a pair, before and after the washout."""

    case: str
    """As in `VerdictRow`."""
    item: str
    """Id of the completion; ids of both as in `VoteRow`."""
    rater: str
    """Account id of the rater."""
    first: str
    """Verdict or preference before the repeat."""
    again: str
    """Verdict or preference in the repeat, given without seeing the first."""


class LabelRow(NamedTuple):
    """One rater's labels of a trace."""

    case: str
    """As in `VerdictRow`."""
    completion: str
    """Id of the completion rated."""
    rater: str
    """Account id of the rater."""
    events: frozenset[str]
    """Absences of the trace and errors of its steps."""


class VoteRow(NamedTuple):
    """A vote on two completions."""

    case: str
    """As in `VerdictRow`, for the first completion."""
    left_model: str
    """Model of the completion on the left."""
    left_revision: str | None
    """Revision of its weights."""
    left_length: int
    """Its length in characters."""
    right_model: str
    """Model of the completion on the right."""
    right_revision: str | None
    """Revision of its weights."""
    right_length: int
    """Its length in characters."""
    choice: str
    """One of `storage.feedback.vocabulary.CHOICES`."""
    rater: str = ""
    """Account id of the rater."""
    pair: str = ""
    """Ids of both completions, independent of their sides."""
    preferred: str = ""
    """One of `storage.feedback.vocabulary.PREFERENCES`."""
    blind: bool = True
    """False where the rater may have known who wrote the answers."""


class FirstAnswerRow(NamedTuple):
    """A question or worklist item answered before the model's answer was shown."""

    case: str
    """As in `VerdictRow`."""
    options: Sequence[str]
    """Answer options."""
    first_answer: str
    """Rater's own answer."""
    first_confidence: int | None
    """Confidence, 1 to 5."""
    answer: str | None
    """Model's parsed answer: of the completion rated last, or else of the first."""
    verdict: str | None
    """Same rater's later verdict on it; None if there is none."""
    corrected_answer: str | None
    """Correct answer according to the rater."""
    reference_answer: str | None
    """Reference answer of the case, if its source is known."""


class TimeRow(NamedTuple):
    """Time that a rater spent on a case, including superseded feedback."""

    case: str
    """As in `VerdictRow`."""
    rater: str
    """Account id of the rater."""
    feedback_count: int
    """Number of feedback rows with a time."""
    seconds: float
    """Total seconds."""


class FilterChoices(NamedTuple):
    """Available filter values."""

    models: list[str]
    """Models rated."""
    tasks: list[str]
    """Question types; "" for none."""
    organs: list[str]
    """Organs; "" where unknown."""
    slides: list[tuple[str, str]]
    """Slide ids and aliases."""
    raters: list[str]
    """Account ids of raters."""
