"""What was judged of which tissue: splits of an export keep one tissue together."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import Completion, CurrentFeedback, Question, Slide


@dataclass(frozen=True)
class TissueKey:
    """What tells whether two readings may show the same tissue."""

    slide_id: str
    """Of the slide."""
    case_id: str | None
    """Of its case."""
    quickhash: str | None
    """Fingerprint of its file."""
    pixels_sha256: str
    """Picture that was made of it."""


def list_tissue_keys(session: Session) -> list[TissueKey]:
    """Of every reading that was judged, whichever judgments an export selects."""
    statement = (
        select(Question.slide_id, Slide.case_id, Slide.quickhash, Question.pixels_sha256)
        .join(Slide, Slide.id == Question.slide_id)
        .join(Completion, Completion.question_id == Question.id)
        .join(CurrentFeedback, CurrentFeedback.completion_id == Completion.id)
        .distinct()
        .order_by(Question.slide_id, Question.pixels_sha256)
    )
    return [TissueKey(*row) for row in session.execute(statement)]
