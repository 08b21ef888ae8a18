"""A chart for the page: numbers and a Plotly figure."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pathviewer.insights.values import Estimate

Cell = str | int | float | None


@dataclass(frozen=True)
class Chart:
    """One chart of the page."""

    name: str
    """Name, used to request its CSV."""

    title: str
    """Title."""

    about: str
    """Description of its numbers, in a sentence or two."""

    columns: tuple[str, ...]
    """Headers of the table."""

    rows: Sequence[tuple[Cell, ...]]
    """Cells of the table; None for a missing number."""

    figure: Mapping[str, Any] | None
    """`data` and `layout` for Plotly; None if there is nothing to draw."""

    note: str = ""
    """Reason for an empty chart, or a caveat."""

    def as_dict(self) -> dict[str, Any]:
        """Return the chart as JSON values, numbers rounded."""
        return {
            "name": self.name,
            "title": self.title,
            "about": self.about,
            "columns": list(self.columns),
            "rows": [[round_cell(cell) for cell in row] for row in self.rows],
            "figure": self.figure,
            "note": self.note,
        }

    def as_csv(self) -> str:
        """Return the table as CSV in full precision; formula-like text is escaped."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(self.columns)
        writer.writerows([[escape_formula(cell) for cell in row] for row in self.rows])
        return out.getvalue()


def round_cell(cell: Cell) -> Cell:
    """Round to four decimals, more than the precision of any of these numbers."""
    return round(cell, 4) if isinstance(cell, float) else cell


def escape_formula(cell: Cell) -> Cell:
    """Escape a cell that a spreadsheet could read as a formula (OWASP, CSV injection).

    Spreadsheets skip blanks, line breaks and zero-width characters before a formula, and some read
    full-width signs, as from Asian keyboards, like plain ones.
    """
    if not isinstance(cell, str) or not cell:
        return cell
    # NFKC converts full-width and small signs to plain ones; categories Z and C are blanks and
    # controls
    letters = (sign for sign in cell if unicodedata.category(sign)[0] not in "ZC")
    first = unicodedata.normalize("NFKC", next(letters, ""))[:1]
    begins_blank = cell[0] in "\t\r\n\v\f\x85\u2028\u2029"
    return f"'{cell}" if begins_blank or first in ("=", "+", "-", "@") else cell


def with_interval(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    """Return an estimate as three cells."""
    return estimate.value, estimate.low, estimate.high


def empty_chart(chart: Chart, note: str) -> Chart:
    """Return the chart without contents."""
    return Chart(chart.name, chart.title, chart.about, chart.columns, (), None, note)
