"""What statistics are asked for by, and the rows that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True)
class Filters:
    """Which judgments count; None leaves all in."""

    since: datetime | None = None
    """Judged at this moment or later, UTC."""
    until: datetime | None = None
    """Judged before this moment, UTC."""
    zone: str = "UTC"
    """IANA name of the time zone whose days rows name."""
    model: str | None = None
    """Model that was judged."""
    task: str | None = None
    """Question type; "" for questions of no known type."""
    organ: str | None = None
    """Organ of the slide; "" where it is not known."""
    slide_id: str | None = None
    """Slide that was asked about."""
    rater_id: str | None = None
    """Account that judged."""
    blind_votes: bool = False
    """Of votes those alone that were cast without knowing the models' names."""
    viewer_id: str | None = None
    """Rater who looks: of others' judgments only those of what he judged himself; None sees all."""


NO_FILTERS = Filters()


class VerdictRow(NamedTuple):
    """One verdict."""

    case: str
    """Id of the slide's case, or of the slide where no case is known."""
    completion: str
    """Id of what was judged."""
    rater: str
    """Id of the account that judged."""
    day: str
    """When, `YYYY-MM-DD` in the zone of the filters."""
    model: str
    """Who wrote the completion."""
    task: str
    """Question type; "" for none."""
    organ: str
    """Organ of the slide; "" where it is not known."""
    slide: str
    """Id of the slide."""
    verdict: str
    """What was said."""
    confidence: int | None
    """How sure, 1 to 5."""


class RepeatRow(NamedTuple):
    """One rater's verdicts on the same answer, or votes on the same pair, before and after the
    washout."""

    case: str
    """As in `VerdictRow`."""
    item: str
    """Id of the answer; ids of both, as in `VoteRow`."""
    rater: str
    """Id of the account that judged."""
    first: str
    """What was said before it came again: a verdict, or what was preferred."""
    again: str
    """What was said then, without being told the first."""


class LabelRow(NamedTuple):
    """One rater's labels of a trace."""

    case: str
    """As in `VerdictRow`."""
    completion: str
    """Id of what was judged."""
    rater: str
    """Id of the account that judged."""
    events: frozenset[str]
    """Absences of the trace and errors of its steps."""


class VoteRow(NamedTuple):
    """One comparison of two completions."""

    case: str
    """As in `VerdictRow`, of the first one."""
    left_model: str
    """Who wrote the one on the left."""
    left_revision: str | None
    """Which weights."""
    left_length: int
    """Characters of it."""
    right_model: str
    """Who wrote the other one."""
    right_revision: str | None
    """Which weights."""
    right_length: int
    """Characters of it."""
    choice: str
    """`left`, `right`, `tie` or `both_bad`."""
    rater: str = ""
    """Id of the account that voted."""
    pair: str = ""
    """Ids of both completions, the same whichever stood on the left."""
    preferred: str = ""
    """`first` or `second` of the pair, `tie` or `both_bad`."""
    blind: bool = True
    """False where the rater may have known who wrote the answers."""


class FirstAnswerRow(NamedTuple):
    """A reading, or an item of a worklist, answered before the model's answer was shown."""

    case: str
    """As in `VerdictRow`."""
    options: Sequence[str]
    """Answers to choose from."""
    first_answer: str
    """The clinician's own."""
    first_confidence: int | None
    """How sure, 1 to 5."""
    answer: str | None
    """The model's, parsed: the one that was judged last, else its first."""
    verdict: str | None
    """What the same clinician then said of it; None if nothing."""
    corrected_answer: str | None
    """What would have been right."""
    reference_answer: str | None
    """The case's, where its source is known."""


class TimeRow(NamedTuple):
    """What a rater spent on a case, superseded judgments included."""

    case: str
    """As in `VerdictRow`."""
    rater: str
    """Id of the account."""
    feedback_count: int
    """How many told their time."""
    seconds: float
    """All together."""


class FilterChoices(NamedTuple):
    """What there is to filter by."""

    models: list[str]
    """Models that were judged."""
    tasks: list[str]
    """Question types; "" for none."""
    organs: list[str]
    """Organs; "" where it is not known."""
    slides: list[tuple[str, str]]
    """Ids and aliases."""
    raters: list[str]
    """Ids of accounts."""
