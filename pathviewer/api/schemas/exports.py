"""Exports of feedback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pathviewer.api.schemas.base import Facts, Response
from pathviewer.common.schema import OneOf, Schema, Text
from pathviewer.export.plan import FORMATS

LINE_LENGTH = 200
MOST_NAMES = 10_000

Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=LINE_LENGTH, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]*$"
    ),
]
"""A text on one line, without control characters."""
Names = Annotated[Sequence[Text], Field(max_length=MOST_NAMES)]
"""Values to filter by; none filters nothing."""


class ExportRequest(Schema):
    """An export to start."""

    format: Annotated[str, OneOf(tuple(FORMATS))]
    """Kind of rows."""
    rule: Line = "each"
    """`each`, `majority`, or the number of raters who must agree."""
    splits: Line = "0.8,0.1,0.1"
    """Shares of train, validation and test."""
    since: Line = ""
    """First day of the feedback, as 2026-03-31."""
    until: Line = ""
    """Last day."""
    zone: Line = ""
    """IANA time zone of the days; UTC if empty."""
    models: Names = ()
    question_types: Names = ()
    raters: Names = ()
    """Pseudonyms, from `GET /api/exports/choices`."""
    cases: Names = ()
    comments: bool = False
    """Whether to include raters' free text."""
    teaching: bool = False
    """Whether to include feedback on teaching worklists."""
    licence: Line = ""
    """Licence for users; the one of the settings if empty."""


class ExportOut(Response):
    """An export and its progress."""

    id: str
    format: str
    state: Literal["running", "done", "failed"]
    done: int
    """Processed questions."""
    total: int
    error: str | None
    counts: Facts | None
    """The counts of its manifest; null until it is done."""


class ExportFormat(Response):
    """A kind of rows."""

    name: str
    trainer: str
    """TRL trainer that takes the rows."""


class ExportChoices(Response):
    """Formats, and the values to filter by."""

    formats: list[ExportFormat]
    models: list[str]
    question_types: list[str]
    raters: list[str]
    cases: list[str]
    withheld: int
    """Number of feedback records that blinding hides from the caller."""
