"""The scale of a slide as a person enters it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, Strict, model_validator

from pathviewer.common.schema import Schema, sentence_error
from pathviewer.slides import user_messages
from pathviewer.slides.library import LibraryEntry
from pathviewer.slides.outline import Point
from pathviewer.slides.scale import (
    KnownLength,
    PixelSize,
    ScaleError,
    checked_size,
    size_by_length,
)
from storage.slides.scales import NewScale

MOST_MICRONS = 10**9
"""Upper bound of lengths in a request, µm, so that arithmetic cannot overflow."""

Microns = Annotated[float, Field(gt=0, lt=MOST_MICRONS)]
LevelZeroPoint = Annotated[Point, Strict(False)]
"""[x, y] in level-0 pixels."""


class AxisScale(Schema):
    """Microns per level-0 pixel along each axis."""

    x: Microns
    y: Microns


class KnownLine(Schema):
    """A line on the slide whose length is known."""

    start: LevelZeroPoint = Field(alias="from")
    end: LevelZeroPoint = Field(alias="to")
    um: Microns
    """Its length, µm."""

    def check(self, entry: LibraryEntry) -> KnownLength:
        """Return the line. Raises ScaleError if it leaves the slide."""
        if not all(0 <= x <= entry.width and 0 <= y <= entry.height for x, y in self.ends):
            raise ScaleError(user_messages.line_leaves_slide(entry.width, entry.height))
        return KnownLength(self.start, self.end, self.um)

    @property
    def ends(self) -> tuple[Point, Point]:
        """Start and end."""
        return self.start, self.end


class ScaleRequest(Schema):
    """A scale, typed or by a known length; neither changes nothing."""

    mpp: Annotated[
        Microns | AxisScale | None,
        Field(json_schema_extra={"x-expected": user_messages.MPP_EXPECTED}),
    ] = None
    """Microns per level-0 pixel; null withdraws the entered scale."""
    known_length: KnownLine | None = None
    """A line whose length is known."""

    @model_validator(mode="after")
    def _check_single(self) -> Self:
        if self.known_length is not None and "mpp" in self.model_fields_set:
            raise sentence_error(user_messages.SCALE_ENTERED_TWICE)
        return self

    @property
    def changes_scale(self) -> bool:
        """Whether a scale is entered or withdrawn."""
        return self.known_length is not None or "mpp" in self.model_fields_set

    def new_scale(self, entry: LibraryEntry) -> NewScale:
        """Return the scale to enter. Raises ScaleError."""
        claim = entry.facts.claim
        if self.known_length is not None:
            line = self.known_length.check(entry)
            size = size_by_length(line, entry.scale)
            line_json = {"from": list(line.start), "to": list(line.end), "um": line.um}
            return NewScale(size.x, size.y, claim.x, claim.y, line_json)
        typed = self._typed_size()
        if typed is None:
            return NewScale(None, None, claim.x, claim.y)
        return NewScale(typed.x, typed.y, claim.x, claim.y)

    def _typed_size(self) -> PixelSize | None:
        """Return the typed size; None withdraws the entry."""
        if self.mpp is None:
            return None
        if isinstance(self.mpp, AxisScale):
            return checked_size(self.mpp.x, self.mpp.y)
        return checked_size(self.mpp, self.mpp)


def audit_detail(new: NewScale) -> dict[str, Any]:
    """Return the audit log entry; a scale of None means that the entry was withdrawn."""
    entered_json = None if new.mpp_x is None else {"x": new.mpp_x, "y": new.mpp_y}
    detail = {"mpp": entered_json, "claimed": {"x": new.claimed_x, "y": new.claimed_y}}
    return detail if new.line is None else detail | {"known_length": dict(new.line)}
