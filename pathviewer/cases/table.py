"""A CSV of cases, read and checked line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.cases import SlideDescription
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
"""Field of a row by the heading of its column, in small letters, a space for `_` and `-`."""
LONGEST = {"reference_answer": 4_000}
LONGEST_OTHER = 200
MOST_BYTES = 16 * 2**20


class CasesError(Exception):
    """Root of what can be wrong with a table of cases; the message is a sentence to be shown."""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    line: int
    """Its number in the file, the heading being 1."""
    slide: str
    """The slide as the file names it."""
    told: SlideDescription
    """What the line says of it."""


def read_table(path: Path) -> list[Row]:
    """The lines of a CSV with commas, semicolons or tabs. Raises CasesError."""
    text = _text(path)
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        fields = _fields(next(reader, []))
        rows = list(_rows(reader, fields))
    except csv.Error as error:
        raise CasesError(f"Line {reader.line_num} is no CSV ({error}).") from error
    if not rows:
        raise CasesError("The table has no line below its heading.")
    _check_cases(rows)
    return rows


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CasesError(f"{path.name} is larger than 16 MiB, which no table of cases is.")
        return normalize_name(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CasesError(f"{path.name} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise CasesError(f"{path.name} is not in UTF-8; save it as “CSV UTF-8”.") from error


def _fields(heading: list[str]) -> list[str]:
    names = [" ".join(each.replace("_", " ").replace("-", " ").lower().split()) for each in heading]
    unknown = [shown for shown, name in zip(heading, names, strict=True) if name not in COLUMNS]
    if unknown:
        known = "case, slide, organ, specimen, stain, scanner, reference answer, reference source"
        raise CasesError(f"The column “{unknown[0][:40]}” is not known; known are {known}.")
    fields = [COLUMNS[name] for name in names]
    for needed in ("case", "slide"):
        if needed not in fields:
            raise CasesError(f"The table has no column “{needed}”.")
    doubled = [field for field in fields if fields.count(field) > 1]
    if doubled:
        raise CasesError(f"Two columns are called “{doubled[0].replace('_', ' ')}”.")
    return fields


def _rows(reader: Iterator[list[str]], fields: list[str]) -> Iterator[Row]:
    for cells in reader:
        line = reader.line_num  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(fields):
            raise CasesError(f"Line {line} has {len(cells)} cells, not {len(fields)}.")
        values = {name: cell.strip() for name, cell in zip(fields, cells, strict=True)}
        for name, value in values.items():
            if len(value) > LONGEST.get(name, LONGEST_OTHER):
                raise CasesError(f"Line {line}: {name.replace('_', ' ')} is too long.")
        slide = values.pop("slide")
        if not slide or not values["case"]:
            raise CasesError(f"Line {line} names no {'slide' if values['case'] else 'case'}.")
        told = {name: value or None for name, value in values.items() if name != "case"}
        yield Row(line, slide, SlideDescription(values["case"], **told))


def _check_cases(rows: list[Row]) -> None:
    """Whatever is said of a case must be the same on all its lines."""
    for name in ("reference_answer", "reference_source"):
        said: dict[str, tuple[int, str]] = {}
        for row in rows:
            value = getattr(row.told, name)
            if value is None:
                continue
            line, before = said.setdefault(row.told.case, (row.line, value))
            if value != before:
                raise CasesError(
                    f"Lines {line} and {row.line} give another {name.replace('_', ' ')} for one "
                    "case; make them the same."
                )
