"""Regions that accounts draw."""

from __future__ import annotations

from pathviewer.api.schemas.base import BoxOut, OutlineOut, Response
from pathviewer.common.schema import Schema, Text
from pathviewer.questions.request import Points
from pathviewer.slides.outline import Shape


class RegionRequest(Schema):
    """A region to save."""

    name: Text = ""
    """A number is given to a region without a name."""
    shape: Shape
    points: Points


class RegionChange(Schema):
    """Changes of a region; what is left out stays."""

    name: Text | None = None
    shape: Shape | None = None
    points: Points | None = None


class RegionOut(Response):
    """A saved region."""

    id: str
    name: str
    shape: Shape
    points: OutlineOut
    box: BoxOut
    """The smallest rectangle of whole pixels around it."""
    width_um: float | None
    """Null if the slide's scale is unknown."""
    height_um: float | None
    area_mm2: float | None
    mpp_by_hand: bool
    """Whether the scale was entered by a person."""


class SkippedFeature(Response):
    """A feature of a file that was not imported."""

    index: int
    """Place in the file, from 0."""
    reason: str


class ClippedFeature(Response):
    """A feature that was clipped at the slide's edge."""

    index: int
    """Place in the file, from 0."""
    outside: float
    """Share of its area that was cut off, 0 to 1."""


class RegionImport(Response):
    """What became of a file's features."""

    imported: int
    """Number of regions."""
    skipped: list[SkippedFeature]
    clipped: list[ClippedFeature]
    regions: list[RegionOut]
