"""A chart as it leaves: its numbers, and how Plotly draws them."""

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
    """By which its CSV is asked for."""

    title: str
    """Above it."""

    about: str
    """What its numbers are, in a sentence or two."""

    columns: tuple[str, ...]
    """Heads of the table."""

    rows: Sequence[tuple[Cell, ...]]
    """The numbers; None where there is none."""

    figure: Mapping[str, Any] | None
    """`data` and `layout` for Plotly; None where there is nothing to draw."""

    note: str = ""
    """Why there is nothing, or what to mind."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
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
        """The table, with full precision; a text that a spreadsheet would compute is quoted."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(self.columns)
        writer.writerows([[escape_formula(cell) for cell in row] for row in self.rows])
        return out.getvalue()


def round_cell(cell: Cell) -> Cell:
    """Four digits after the point are more than any of these figures bears."""
    return round(cell, 4) if isinstance(cell, float) else cell


def escape_formula(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection).

    Spreadsheets skip blanks, line breaks and signs without width before a formula, and some take
    full-width signs, as Asian keyboards write them, for the plain ones.
    """
    if not isinstance(cell, str) or not cell:
        return cell
    # NFKC makes full-width and small signs plain; categories Z and C are blanks and controls
    letters = (sign for sign in cell if unicodedata.category(sign)[0] not in "ZC")
    first = unicodedata.normalize("NFKC", next(letters, ""))[:1]
    begins_blank = cell[0] in "\t\r\n\v\f\x85\u2028\u2029"
    return f"'{cell}" if begins_blank or first in ("=", "+", "-", "@") else cell


def with_interval(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    """An estimate as three cells."""
    return estimate.value, estimate.low, estimate.high


def empty_chart(chart: Chart, note: str) -> Chart:
    """The chart without anything in it."""
    return Chart(chart.name, chart.title, chart.about, chart.columns, (), None, note)
