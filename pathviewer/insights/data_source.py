"""What the charts are made of: rows from the database, fetched once for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from pathviewer.common.pseudonym import pseudonym
from storage.blinding.visible_feedback import count_hidden_feedback
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
"""A question of no template."""
UNKNOWN_ORGAN = "not known"


@dataclass(frozen=True)
class ChartData:
    """All rows that pass some filters."""

    choices: FilterChoices
    """What there is to filter by."""

    blinded_count: int = 0
    """Judgments that whoever looks is not told of, whatever the filters."""

    zone: str = "UTC"
    """IANA name of the time zone whose days are meant."""

    verdicts: Sequence[VerdictRow] = ()
    """Verdicts on answers."""

    labels: Sequence[LabelRow] = ()
    """Clinicians' labels of traces."""

    judge_labels: Sequence[LabelRow] = ()
    """Those of judges that are programs."""

    votes: Sequence[VoteRow] = ()
    """Comparisons of two answers."""

    first_answers: Sequence[FirstAnswerRow] = ()
    """Readings that were answered blind."""

    repeats: Sequence[RepeatRow] = ()
    """What raters said of the same answer twice."""

    repeated_votes: Sequence[RepeatRow] = ()
    """How raters voted on the same pair twice."""

    times: Sequence[TimeRow] = ()
    """Time spent."""

    @cached_property
    def slides(self) -> Mapping[str, str]:
        """Aliases of slides by their ids."""
        return dict(self.choices.slides)


def load_chart_data(session: Session, filters: Filters, choices: FilterChoices) -> ChartData:
    """Everything, as it is at one moment."""
    viewer = filters.viewer_id
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
    """A rater's pseudonym, the same as in exports."""
    return pseudonym("rater", account_id)
