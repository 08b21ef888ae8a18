"""Slides: facts, levels, colours and descriptions."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pathviewer.api import user_messages
from pathviewer.api.schemas.base import BoxOut, Response, Timestamp
from pathviewer.common.schema import Text, sentence_error
from pathviewer.questions.request import LARGEST_SIDE, Box, Colours
from pathviewer.slides.outline import MAX_NAME_LENGTH, tidy_name
from pathviewer.slides.scale import ScaleSource
from pathviewer.slides.scale_request import ScaleRequest
from pathviewer.slides.slide_identity import LabelState

Alias = Annotated[Text, AfterValidator(tidy_name), Field(min_length=1, max_length=MAX_NAME_LENGTH)]
"""A name without control characters and superfluous blanks."""


class DescriptionRequest(ScaleRequest):
    """Changes of a slide's description; what is left out stays."""

    alias: Alias | None = None
    """New name."""

    @model_validator(mode="after")
    def _check_change(self) -> Self:
        if self.alias is None and not self.changes_scale:
            raise sentence_error(user_messages.NOTHING_TO_CHANGE)
        return self


class RegionQuery(Box, strict=False):
    """A region to be shown, and how."""

    max_pixels: Annotated[int, Field(ge=1, le=LARGEST_SIDE)] | None = None
    """Largest area of the picture, px; the region's own if none."""
    colours: Colours = "corrected"
    """Corrected to sRGB by the slide's colour profile where it has one, or as scanned."""


class ClaimedScale(Response):
    """Microns per level-0 pixel, as the file states them."""

    x: float | None
    y: float | None


class ScaleOut(Response):
    """The scale in use, microns per level-0 pixel, and where it is from."""

    x: float | None
    """Null if the scale is unknown."""
    y: float | None
    source: ScaleSource | None
    claimed: ClaimedScale | None
    """What the file states, true or not; null if it states nothing."""
    problem: str | None
    """Why the entry or the file's statement is not used."""
    entered_at: Timestamp | None
    by_known_length: bool | None
    """Whether it follows from a line of known length; null for a scale of the file."""
    entered_by: str | None
    """Name of the account."""


class IdentityOut(Response):
    """What a person identifies the slide by."""

    alias: str
    name: str
    case: str | None
    stain: str | None
    scale: str
    """The scale in use, in words."""
    label: LabelState


class ColourProfileOut(Response):
    """The file's colour profile."""

    name: str
    applied: bool
    """Whether colours are corrected by it."""
    reason: str | None
    """Why it is not applied."""
    sentence: str
    """Name and state for people."""


class SlideOut(Response):
    """A slide in the list."""

    id: str
    name: str
    """Displayed name."""
    alias: str
    width: int
    """Of level 0, px."""
    height: int
    mpp: float | None
    """Microns per level-0 pixel; null if unknown or different along the axes."""
    mpp_by_hand: bool
    """Whether a person entered it."""
    scale: ScaleOut
    pixel_aspect: float
    """Height of a level-0 pixel over its width."""
    objective_power: float | None
    objective_power_problem: str | None
    """Why the file's magnification is not used."""
    vendor: str
    """OpenSlide's name of the format."""
    level_count: int
    pixel_note: str | None
    """How the pixels differ from 8-bit colour."""
    identity: IdentityOut
    bounds: BoxOut | None
    """The scanned part; null if the file does not state it."""
    background: str
    """Colour of areas that were not scanned, #rrggbb."""
    colour_profile: ColourProfileOut | None


class LevelOut(Response):
    """A pyramid step; level-0 (x, y) is at (x / downsample_x, y / downsample_y) in it."""

    width: int
    height: int
    downsample: float
    """Mean of both axes."""
    downsample_x: float
    downsample_y: float
    tile_width: int
    tile_height: int
    native: bool
    """Whether it is in the file; otherwise it is made from a finer one."""
    passthrough: bool
    """Whether tiles are the file's own compressed ones."""


class OpenedSlide(SlideOut):
    """A slide with what is known once it is open."""

    levels: list[LevelOut]
    associated_images: list[str]
    """Names; empty if the settings hide them."""


class RejectedFileOut(Response):
    """A file in the slide folders that cannot be shown."""

    name: str
    """Its folder, or its path in there if the settings show names."""
    reason: str


class ColourTableOut(Response):
    """How pages correct raw colours; numbers are little-endian 32-bit floats in base64."""

    curves: str
    """3 x 256: grid position of each value of a channel."""
    nodes: str
    """size x size x size x 3 by red, green and blue."""
    size: int
    light: bool
    """Whether nodes are linear light, 0 to 1; otherwise sRGB, 0 to 255."""
