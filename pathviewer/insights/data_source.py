"""Data of the charts: database rows, fetched once for all charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from pathviewer.common.pseudonym import pseudonym
from storage.blinding.conditions import count_hidden_feedback
from storage.statistics import feedback_rows, repeat_rows
from storage.statistics.records import (
    FilterChoices,
    Filters,
    FirstAnswerRow,
    LabelRow,
    RepeatRow,
    TimeRow,
    VerdictRow,
    VoteRow,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NO_QUESTION_TYPE = "no known type"
"""Type of questions without a template."""
UNKNOWN_ORGAN = "not known"


@dataclass(frozen=True)
class ChartData:
    """All rows that pass the filters."""

    choices: FilterChoices
    """Available filter values."""

    blinded_count: int = 0
    """Feedback hidden from the viewer by blinding, regardless of the filters."""

    zone: str = "UTC"
    """IANA name of the time zone of days."""

    verdicts: Sequence[VerdictRow] = ()
    """Verdicts on answers."""

    labels: Sequence[LabelRow] = ()
    """Clinicians' labels of traces."""

    judge_labels: Sequence[LabelRow] = ()
    """Automatic judges' labels of traces."""

    votes: Sequence[VoteRow] = ()
    """Comparisons of two answers."""

    first_answers: Sequence[FirstAnswerRow] = ()
    """Questions with a blind first answer."""

    repeats: Sequence[RepeatRow] = ()
    """Repeated feedback of a rater on the same answer."""

    repeated_votes: Sequence[RepeatRow] = ()
    """Repeated votes of a rater on the same pair."""

    times: Sequence[TimeRow] = ()
    """Time spent."""

    @cached_property
    def slides(self) -> Mapping[str, str]:
        """Aliases of slides by id."""
        return dict(self.choices.slides)


def load_chart_data(session: Session, filters: Filters, choices: FilterChoices) -> ChartData:
    """Load all rows from one consistent state of the database."""
    viewer = filters.viewer
    return ChartData(
        choices=choices,
        blinded_count=0 if viewer is None else count_hidden_feedback(session, viewer),
        zone=filters.zone,
        verdicts=feedback_rows.verdicts(session, filters),
        labels=feedback_rows.labels(session, filters),
        judge_labels=feedback_rows.judge_labels(session, filters),
        votes=feedback_rows.votes(session, filters),
        first_answers=feedback_rows.first_answers(session, filters),
        repeats=repeat_rows.repeats(session, filters),
        repeated_votes=repeat_rows.repeated_votes(session, filters),
        times=feedback_rows.times(session, filters),
    )


@lru_cache(4096)
def rater_name(account_id: str) -> str:
    """Return a rater's pseudonym, the same as in exports."""
    return pseudonym("rater", account_id)
