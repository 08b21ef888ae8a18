"""Pictures of regions as the model sees them: resized here, once, to the pixel budget."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from models.messages import Box, PixelBudget, PromptImage
from models.pictures import as_prompt_image, open_picture
from models.placement import FACTOR, resized_size
from pathviewer.slides.colour_profile import ColourProfile
from pathviewer.slides.geometry import Region, check_inside
from pathviewer.slides.scale import SlideScale
from pathviewer.slides.slide import Slide

PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg"}
"""Files that are read as plain pictures; their pixels are level 0."""

_OVERSAMPLING = 4
"""A slide is read with up to this many times the final pixels, then resized bicubically, as the
model's own processor does."""


@dataclass(frozen=True)
class RegionPicture:
    """The picture of a region for a model."""

    region: Region
    """The region, level-0 pixels."""
    pixels: Image.Image
    """RGB, sized by the budget. The model's processor does not resize it again, unless the budget
    is too narrow for any size of this shape."""
    mpp: float | None
    """Microns per picture pixel (square); None if the scale is unknown."""
    scale: SlideScale | None
    """The slide's scale when the picture was made; None for a plain picture."""
    quickhash: str | None
    """OpenSlide's hash of the slide; None for a plain picture or if the slide has none."""
    colours: Mapping[str, Any] | None = None
    """`profile`: name of the slide's colour profile; `corrected`: whether the pixels are converted
    to sRGB with it. None if the slide has no applicable profile."""
    pixel_note: str | None = None
    """How the slide's pixels differ from 8-bit colour; None if they do not."""

    @property
    def image(self) -> PromptImage:
        """The picture as a prompt image."""
        region = self.region
        box = Box(region.x, region.y, region.width, region.height)
        return as_prompt_image(self.pixels, box)


class RegionSource(Protocol):
    """A slide to read regions from, open in this process or in a reader."""

    @property
    def width(self) -> int:
        """Width in level-0 pixels."""

    @property
    def height(self) -> int:
        """Height in level-0 pixels."""

    @property
    def scale(self) -> SlideScale:
        """The scale in use and its source."""

    @property
    def quickhash(self) -> str | None:
        """OpenSlide's hash of the slide; `None` if the format has none."""

    @property
    def colour_profile(self) -> ColourProfile | None:
        """The colour profile; `None` if the file has none."""

    @property
    def pixel_note(self) -> str | None:
        """How its pixels differ from 8-bit colour; `None` if they do not."""

    def read_region(
        self, region: Region, max_pixels: int, *, corrected: bool = True
    ) -> Image.Image:
        """Read a region as RGB, reduced (never enlarged) to at most `max_pixels`."""


def model_picture_size(
    region: Region, scale: SlideScale | None, budget: PixelBudget, factor: int = FACTOR
) -> tuple[int, int]:
    """Return (width, height) of a region's picture for a model, px; non-square pixels are drawn
    undistorted.

    Raises PromptError for a region that is too narrow.
    """
    sides, pixel = (region.width, region.height), None if scale is None else scale.size
    shape = sides if pixel is None else pixel.undistorted_size(*sides)
    return resized_size(*shape, budget, factor=factor)


def read_slide_picture(
    slide: RegionSource,
    region: Region | None,
    budget: PixelBudget,
    *,
    factor: int = FACTOR,
    corrected: bool = True,
) -> RegionPicture:
    """Read a region (level-0 pixels; None: the whole slide) of an open slide.

    Non-square pixels are drawn undistorted. Colours are `corrected` to sRGB if a profile applies,
    else as scanned. Raises SlideError for a region outside the slide or damaged pixels, and
    PromptError for a region that is too narrow.
    """
    region = region or Region(0, 0, slide.width, slide.height)
    check_inside(region, slide.width, slide.height)
    size = model_picture_size(region, slide.scale, budget, factor)
    source_pixels = slide.read_region(
        region, _OVERSAMPLING * size[0] * size[1], corrected=corrected
    )
    pixels = source_pixels.resize(size, Image.Resampling.BICUBIC)
    pixel = slide.scale.size
    mpp = None if pixel is None else pixel.picture_mpp((region.width, region.height), size)
    colours = _colour_facts(slide.colour_profile, corrected=corrected)
    return RegionPicture(
        region, pixels, mpp, slide.scale, slide.quickhash, colours, slide.pixel_note
    )


def read_file_picture(
    path: Path, region: Region | None, budget: PixelBudget, *, factor: int = FACTOR
) -> RegionPicture:
    """Read a region (level-0 pixels; None: all) of a slide, PNG or JPEG file.

    Raises SlideError and PromptError; their messages name the file, never its folder.
    """
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        with closing(Slide(path, path.name)) as slide:
            return read_slide_picture(slide, region, budget, factor=factor)
    picture = open_picture(path)
    region = region or Region(0, 0, *picture.size)
    check_inside(region, *picture.size)
    size = resized_size(region.width, region.height, budget, factor=factor)
    corner = region.x + region.width, region.y + region.height
    cut = picture.crop((region.x, region.y, *corner))
    return RegionPicture(region, cut.resize(size, Image.Resampling.BICUBIC), None, None, None)


def _colour_facts(profile: ColourProfile | None, *, corrected: bool) -> dict[str, Any] | None:
    if profile is None or not profile.applied:
        return None
    return {"profile": profile.name, "corrected": corrected}


def stored_colours(picture: RegionPicture) -> dict[str, Any] | None:
    """Return what is stored of a picture's colours: `colours`, and `pixel_note` if there is one."""
    note = {} if picture.pixel_note is None else {"pixel_note": picture.pixel_note}
    return {**(picture.colours or {}), **note} or None


def colours_json(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return stored colours as a client sees them: `colours` (None without a profile) and
    `pixel_note`."""
    stored = stored or {}
    names = ("profile", "corrected")
    colours = {name: stored[name] for name in names} if "profile" in stored else None
    return {"colours": colours, "pixel_note": stored.get("pixel_note")}


def colours_text(stored: Mapping[str, Any] | None) -> str:
    """Describe the colours that the model saw, for a report."""
    colours = colours_json(stored)["colours"]
    if colours is None:
        return "as in the file; no colour profile was applied"
    if colours["corrected"]:
        return f"corrected to sRGB by the slide's profile, {colours['profile']}"
    return f"as scanned; the slide's profile, {colours['profile']}, was not applied"
