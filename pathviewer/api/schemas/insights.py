"""Insights: filters and charts."""

from __future__ import annotations

from typing import Literal

from pathviewer.api.schemas.base import Facts, Response, SlideName
from pathviewer.common.schema import QuerySchema, Text


class InsightsQuery(QuerySchema):
    """Which feedback counts; what is left out filters nothing."""

    since: Text = ""
    """First day, as 2026-03-31."""
    until: Text = ""
    """Last day."""
    zone: Text = ""
    """IANA time zone of the days; UTC if empty."""
    model: Text | None = None
    task: Text | None = None
    """Question type; empty for questions without a known type."""
    organ: Text | None = None
    """Empty where it is unknown."""
    slide: Text | None = None
    """Id of the slide."""
    rater: Text | None = None
    """Pseudonym, from `choices`."""
    votes: Literal["blind"] | None = None
    """Only votes cast without knowing the models' names."""


class FilterChoicesOut(Response):
    """Values of the filters."""

    models: list[str]
    tasks: list[str]
    organs: list[str]
    slides: list[SlideName]
    raters: list[str]
    """Pseudonyms."""


class ChartOut(Response):
    """A chart."""

    name: str
    """Name of its CSV."""
    title: str
    about: str
    """What its numbers are."""
    columns: list[str]
    rows: list[list[str | int | float | None]]
    """Cells of the table, numbers rounded."""
    figure: Facts | None
    """`data` and `layout` for Plotly; null if there is nothing to draw."""
    note: str
    """Why it is empty, or a caveat."""


class Insights(Response):
    """All charts for one set of filters."""

    choices: FilterChoicesOut
    charts: list[ChartOut]
    zone: str
    """IANA time zone of the days."""
    withheld: int
    """Number of feedback records that blinding hides from the caller."""
