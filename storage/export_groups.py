"""What was judged of which tissue: splits of an export keep one tissue together."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import Completion, CurrentFeedback, Reading, Slide


@dataclass(frozen=True)
class Tissue:
    """What tells whether two readings may show the same tissue."""

    slide_id: str
    """Of the slide."""
    case_id: str | None
    """Of its case."""
    quickhash: str | None
    """Fingerprint of its file."""
    pixels_sha256: str
    """Picture that was made of it."""


def tissues(session: Session) -> list[Tissue]:
    """Of every reading that was judged, whichever judgments an export selects."""
    statement = (
        select(Reading.slide_id, Slide.case_id, Slide.quickhash, Reading.pixels_sha256)
        .join(Slide, Slide.id == Reading.slide_id)
        .join(Completion, Completion.reading_id == Reading.id)
        .join(CurrentFeedback, CurrentFeedback.completion_id == Completion.id)
        .distinct()
        .order_by(Reading.slide_id, Reading.pixels_sha256)
    )
    return [Tissue(*row) for row in session.execute(statement)]
