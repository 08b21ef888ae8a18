"""Reading of case tables from CSV files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.control_tokens import control_token_sentence, find_control_token
from pathviewer.cases import user_messages
from pathviewer.common.errors import UserError
from pathviewer.common.table_text import decode_text, is_spoilt, spoilt_sentence
from storage.cases.store import SlideDescription
from storage.names import normalize_name

COLUMNS = {
    "case": "case",
    "slide": "slide",
    "organ": "organ",
    "specimen": "specimen",
    "stain": "stain",
    "scanner": "scanner",
    "reference answer": "reference_answer",
    "reference": "reference_answer",
    "reference source": "reference_source",
    "source": "reference_source",
}
"""Column heading -> field; headings are in lower case with spaces for `_` and `-`."""
LONGEST_BY_FIELD = {"reference_answer": 4_000}
LONGEST_FIELD = 200
MOST_BYTES = 16 * 2**20
DELIMITERS = ",;\t"
IDENTIFIERS = ("case", "slide")
"""Columns whose values identify a patient or a slide."""
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\w ])"?[,;\t]*', re.IGNORECASE)


class CasesError(UserError):
    """Root of case table errors; the message may be shown to users."""

    code = "cases_refused"


@dataclass(frozen=True)
class CaseRow:
    """A line of the table."""

    line: int
    """Line number in the file, from 1."""
    slide: str
    """The slide's name in the file."""
    description: SlideDescription
    """The slide's description."""


def read_table(path: Path) -> list[CaseRow]:
    """Read a CSV with commas, semicolons or tabs; texts become NFC. Raises CasesError.

    Empty lines above the heading and Excel's `sep=;` line are skipped.
    """
    lines = list(
        io.StringIO(normalize_name(_read_text(path)), newline="")
    )  # ended by LF, CR or both
    first = _first_filled(lines, 0)
    named = _SEPARATOR_LINE.fullmatch("".join(lines[first : first + 1]).strip(" \r\n"))
    heading = _first_filled(lines, first + 1) if named else first
    delimiter = named[1] if named else _guess_delimiter("".join(lines[heading : heading + 1]))
    reader = csv.reader(lines[heading:], delimiter=delimiter, strict=True)
    try:
        fields = _fields(next(reader, []))
        rows = list(_rows(reader, fields, heading))
    except csv.Error as error:
        raise CasesError(
            user_messages.line_not_csv(heading + reader.line_num, str(error))
        ) from error
    if not rows:
        raise CasesError(user_messages.NO_LINES)
    _check_cases(rows)
    return rows


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CasesError(user_messages.table_too_large(path.name))
        return decode_text(path.read_bytes())
    except OSError as error:
        raise CasesError(user_messages.table_unreadable(path.name, error.strerror)) from error
    except UnicodeDecodeError as error:
        raise CasesError(user_messages.table_not_utf8(path.name)) from error


def _first_filled(lines: Sequence[str], start: int) -> int:
    """Return the index of the first line from `start` with more than blanks and delimiters."""
    filled = (number for number in range(start, len(lines)) if lines[number].strip(" \r\n,;\t"))
    return next(filled, len(lines))


def _guess_delimiter(heading: str) -> str:
    """Return the delimiter that gives the most known columns; ties go to the most frequent."""

    def score(delimiter: str) -> tuple[int, int]:
        names = map(_column_name, heading.replace('"', "").split(delimiter))
        return sum(name in COLUMNS for name in names), heading.count(delimiter)

    return max(DELIMITERS, key=score)


def _column_name(heading: str) -> str:
    return " ".join(heading.replace("_", " ").replace("-", " ").lower().split())


def _without_empty_end(cells: Sequence[str], least: int = 0) -> Sequence[str]:
    """Drop trailing empty cells, which spreadsheets leave; keep at least `least` cells."""
    end = len(cells)
    while end > least and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _fields(heading: Sequence[str]) -> list[str]:
    heading = _without_empty_end(heading)
    names = [_column_name(each) for each in heading]
    unknown = [column for column, name in zip(heading, names, strict=True) if name not in COLUMNS]
    if unknown:
        raise CasesError(user_messages.unknown_column(unknown[0]))
    fields = [COLUMNS[name] for name in names]
    for needed in ("case", "slide"):
        if needed not in fields:
            raise CasesError(user_messages.missing_column(needed))
    doubled = [field for field in fields if fields.count(field) > 1]
    if doubled:
        raise CasesError(user_messages.column_twice(doubled[0]))
    return fields


def _rows(reader: Iterator[list[str]], fields: list[str], above: int) -> Iterator[CaseRow]:
    """Parse the lines below the heading; `above` is the number of lines above the heading."""
    for raw in reader:
        line = above + reader.line_num  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in raw):
            continue
        cells = _without_empty_end(raw, len(fields))
        if len(cells) != len(fields):
            raise CasesError(user_messages.wrong_cell_count(line, len(cells), len(fields)))
        values = {name: cell.strip() for name, cell in zip(fields, cells, strict=True)}
        _check_values(line, values)
        slide = values.pop("slide")
        if not slide or not values["case"]:
            raise CasesError(
                user_messages.line_without_name(line, "slide" if values["case"] else "case")
            )
        facts = {name: value or None for name, value in values.items() if name != "case"}
        yield CaseRow(line, slide, SlideDescription(values["case"], **facts))


def _check_values(line: int, values: dict[str, str]) -> None:
    for name, value in values.items():
        if len(value) > LONGEST_BY_FIELD.get(name, LONGEST_FIELD):
            raise CasesError(user_messages.value_too_long(line, name))
        if name == "reference_answer" and (token := find_control_token(value)):
            sentence = control_token_sentence(user_messages.REFERENCE_ANSWER, token)
            raise CasesError(user_messages.fault_in_line(line, sentence))
        if name in IDENTIFIERS and is_spoilt(value):
            raise CasesError(user_messages.fault_in_line(line, spoilt_sentence(name, value)))


def _check_cases(rows: list[CaseRow]) -> None:
    """Raise CasesError if two lines give different reference values for one case."""
    for name in ("reference_answer", "reference_source"):
        first_values: dict[str, tuple[int, str]] = {}
        for row in rows:
            value = getattr(row.description, name)
            if value is None:
                continue
            line, before = first_values.setdefault(row.description.case, (row.line, value))
            if value != before:
                raise CasesError(user_messages.reference_differs(line, row.line, name))
