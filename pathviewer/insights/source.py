"""What the charts are made of: rows from the database, fetched once for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from pathviewer.export.splitting import pseudonym
from storage import statistics, statistics_repeats
from storage.statistics_rows import (
    Choices,
    Filters,
    FirstAnswerRow,
    LabelRow,
    RepeatRow,
    TimeRow,
    VerdictRow,
    VoteRow,
)
from storage.withheld import count_withheld

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

UNTYPED = "no known type"
"""A question of no template."""
UNKNOWN_ORGAN = "not known"


@dataclass(frozen=True)
class Source:
    """All rows that pass some filters."""

    choices: Choices
    """What there is to filter by."""

    withheld: int = 0
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


def load(session: Session, filters: Filters, choices: Choices) -> Source:
    """Everything, as it is at one moment."""
    viewer = filters.viewer_id
    return Source(
        choices=choices,
        withheld=0 if viewer is None else count_withheld(session, viewer),
        zone=filters.zone,
        verdicts=statistics.verdicts(session, filters),
        labels=statistics.labels(session, filters),
        judge_labels=statistics.judge_labels(session, filters),
        votes=statistics.votes(session, filters),
        first_answers=statistics.first_answers(session, filters),
        repeats=statistics_repeats.repeats(session, filters),
        repeated_votes=statistics_repeats.repeated_votes(session, filters),
        times=statistics.times(session, filters),
    )


@lru_cache(4096)
def rater_name(account_id: str) -> str:
    """A rater's pseudonym, the same as in exports."""
    return pseudonym("rater", account_id)
