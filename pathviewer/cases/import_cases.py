"""Import of a case table into the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from pathviewer.cases import user_messages
from pathviewer.cases.csv_table import CaseRow, CasesError
from pathviewer.slides.slide_names import SlideNameError, find_slide_by_name
from storage.cases.store import describe_slide, find_case
from storage.slides.store import SlideRecord, list_slide_records
from storage.withdrawals import list_withdrawals


@dataclass(frozen=True)
class ImportCounts:
    """Counts of an import."""

    cases: int
    """Cases in the table."""
    slides: int
    """Slides in the table."""
    changed: int
    """Slides with changes."""
    moved: int
    """Slides that belonged to another case."""


def import_cases(session: Session, rows: Sequence[CaseRow]) -> ImportCounts:
    """Store all lines of a table. Raises CasesError, naming the line."""
    slides = list_slide_records(session)
    withdrawn = {each.subject_id for each in list_withdrawals(session) if each.kind == "case"}
    rows_with_slides = [(row, _find_slide(row, slides)) for row in rows]
    _check_slides(rows_with_slides)
    changed = moved = 0
    for row, slide in rows_with_slides:
        if slide.case_id in withdrawn:
            raise CasesError(user_messages.case_withdrawn(row.line, row.slide))
        case = find_case(session, row.description.case)
        moved += slide.case_id is not None and (case is None or case.id != slide.case_id)
        if row.description.reference_source and not row.description.reference_answer:
            answer_known = case is not None and case.reference_answer is not None
            if not answer_known and not _has_reference_answer(row, rows):
                raise CasesError(user_messages.source_without_answer(row.line))
    for row, slide in sorted(
        rows_with_slides, key=lambda pair: pair[0].description.reference_answer is None
    ):
        changed += describe_slide(session, slide.id, row.description)
    names = {row.description.case for row in rows}
    return ImportCounts(
        len(names), len({slide.id for _, slide in rows_with_slides}), changed, moved
    )


def _has_reference_answer(row: CaseRow, rows: Iterable[CaseRow]) -> bool:
    return any(
        each.description.case == row.description.case
        and each.description.reference_answer is not None
        for each in rows
    )


def _find_slide(row: CaseRow, slides: Sequence[SlideRecord]) -> SlideRecord:
    try:
        return find_slide_by_name(slides, row.slide)
    except SlideNameError as error:
        raise CasesError(user_messages.fault_in_line(row.line, str(error))) from error


def _check_slides(rows_with_slides: Sequence[tuple[CaseRow, SlideRecord]]) -> None:
    before: dict[str, CaseRow] = {}
    for row, slide in rows_with_slides:
        other = before.setdefault(slide.id, row)
        if other is not row:
            raise CasesError(user_messages.slide_twice(other.line, row.line))
