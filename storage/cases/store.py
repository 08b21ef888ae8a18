"""Cases: their slides, descriptions and reference answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.errors import RecordNotFoundError
from storage.names import list_stored_spellings, normalize_name
from storage.row_values import as_record
from storage.tables import Case, Slide


@dataclass(frozen=True)
class CaseRecord:
    """A stored case."""

    id: str
    """UUID as text."""

    name: str
    """Hospital's name for it; may be an accession number."""

    reference_answer: str | None
    """Correct answer; None if unknown."""

    reference_source: str | None
    """Source of that answer: sign-out, consensus, IHC."""

    created_at: datetime
    """Creation time, UTC."""


@dataclass(frozen=True)
class SlideDescription:
    """Description of a slide besides its file; None leaves a stored value unchanged."""

    case: str
    """Name of its case."""

    organ: str | None = None
    """Such as lung."""

    specimen: str | None = None
    """Such as wedge resection."""

    stain: str | None = None
    """Such as H&E."""

    scanner: str | None = None
    """Make and model."""

    reference_answer: str | None = None
    """Correct answer for the case."""

    reference_source: str | None = None
    """Source of that answer."""


SLIDE_FIELDS = ("organ", "specimen", "stain", "scanner")
CASE_FIELDS = ("reference_answer", "reference_source")


def find_case(session: Session, name: str) -> CaseRecord | None:
    """Case with this name, in composed or decomposed Unicode; None if there is none."""
    row = _case_row(session, name)
    return None if row is None else as_record(CaseRecord, row)


def list_cases(session: Session) -> list[CaseRecord]:
    """All cases, by name."""
    return [as_record(CaseRecord, row) for row in session.scalars(select(Case).order_by(Case.name))]


def describe_slide(session: Session, slide_id: str, description: SlideDescription) -> bool:
    """Store a slide's description and its case if new; return whether anything changed.

    Raises RecordNotFoundError if the slide does not exist.
    """
    slide = session.get(Slide, slide_id)
    if slide is None:
        raise RecordNotFoundError(user_messages.no_slide(slide_id))
    case = _case_row(session, description.case)
    if case is None:
        case = Case(name=normalize_name(description.case))
        session.add(case)
        session.flush()
    changed = _apply_description(case, description, CASE_FIELDS) | _apply_description(
        slide, description, SLIDE_FIELDS
    )
    if slide.case_id != case.id:
        slide.case_id, changed = case.id, True
    session.flush()
    return changed


def _case_row(session: Session, name: str) -> Case | None:
    rows = session.scalars(select(Case).where(Case.name.in_(list_stored_spellings(name))))
    # prefer the normalized row if an older database has both
    return min(rows, key=lambda row: row.name != normalize_name(name), default=None)


def _apply_description(
    row: Case | Slide, description: SlideDescription, names: tuple[str, ...]
) -> bool:
    changed = False
    for name in names:
        value = getattr(description, name)
        if value is not None and getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed
