"""Keys for grouping questions by tissue: export splits keep one tissue together."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import Completion, CurrentFeedback, Question, Slide


@dataclass(frozen=True)
class TissueKey:
    """Values that tell whether two questions may show the same tissue."""

    slide_id: str
    """Id of the slide."""
    case_id: str | None
    """Id of the slide's case; None if unknown."""
    quickhash: str | None
    """Fingerprint of the slide's file."""
    pixels_sha256: str
    """Picture of the region."""


def list_tissue_keys(session: Session) -> list[TissueKey]:
    """Keys of every question with feedback, regardless of an export's selection."""
    statement = (
        select(Question.slide_id, Slide.case_id, Slide.quickhash, Question.pixels_sha256)
        .join(Slide, Slide.id == Question.slide_id)
        .join(Completion, Completion.question_id == Question.id)
        .join(CurrentFeedback, CurrentFeedback.completion_id == Completion.id)
        .distinct()
        .order_by(Question.slide_id, Question.pixels_sha256)
    )
    return [TissueKey(*row) for row in session.execute(statement)]
