"""Lines of a table brought to the slides that they name: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from pathviewer.cases.csv_table import CasesError, Row
from pathviewer.slides.slide_names import SlideNameError, slide_named
from storage.cases.store import describe_slide, find_case
from storage.slides.store import SlideRecord, list_slide_records
from storage.withdrawals import list_withdrawals


@dataclass(frozen=True)
class Taken:
    """What an import did."""

    cases: int
    """Cases in the table."""
    slides: int
    """Slides in the table."""
    changed: int
    """Slides of which something was new."""
    moved: int
    """Slides that belonged to another case before."""


def take_in(session: Session, rows: Sequence[Row]) -> Taken:
    """Store what the lines say. Raises CasesError, naming the line."""
    slides = list_slide_records(session)
    withdrawn = {each.subject_id for each in list_withdrawals(session) if each.kind == "case"}
    found = [(row, _slide(row, slides)) for row in rows]
    _check_slides(found)
    changed = moved = 0
    for row, slide in found:
        if slide.case_id in withdrawn:
            raise CasesError(f"Line {row.line}: the case of {row.slide} was withdrawn.")
        case = find_case(session, row.told.case)
        moved += slide.case_id is not None and (case is None or case.id != slide.case_id)
        if row.told.reference_source and not row.told.reference_answer:
            known = case is not None and case.reference_answer is not None
            if not known and not _answered(row, rows):
                raise CasesError(f"Line {row.line} has a reference source but no answer.")
    for row, slide in sorted(found, key=lambda pair: pair[0].told.reference_answer is None):
        changed += describe_slide(session, slide.id, row.told)
    names = {row.told.case for row in rows}
    return Taken(len(names), len({slide.id for _, slide in found}), changed, moved)


def _answered(row: Row, rows: Iterable[Row]) -> bool:
    return any(
        each.told.case == row.told.case and each.told.reference_answer is not None for each in rows
    )


def _slide(row: Row, slides: Sequence[SlideRecord]) -> SlideRecord:
    try:
        return slide_named(slides, row.slide)
    except SlideNameError as error:
        raise CasesError(f"Line {row.line}: {error}") from error


def _check_slides(found: Sequence[tuple[Row, SlideRecord]]) -> None:
    before: dict[str, Row] = {}
    for row, slide in found:
        other = before.setdefault(slide.id, row)
        if other is not row:
            raise CasesError(f"Lines {other.line} and {row.line} are about one slide.")
