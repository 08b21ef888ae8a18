"""The pixels of a region as the model sees them: resized here, once, into its pixel budget."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from models.messages import Box, PixelBudget, PromptImage
from models.pictures import as_prompt_image, open_picture
from models.placement import resized_size
from pathviewer.slides.colour_profile import ColourProfile
from pathviewer.slides.geometry import Region, check_inside
from pathviewer.slides.scale import SlideScale
from pathviewer.slides.slide import Slide

PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg"}
"""Files that are read as plain pictures, whose own pixels are level 0."""

_OVERSAMPLING = 4
"""A slide is read with up to so many times the pixels that are sent, then resized bicubically,
as the model's own processor does."""


@dataclass(frozen=True)
class RegionPicture:
    """A region as it is shown to a model."""

    region: Region
    """What it shows, level-0 pixels."""
    pixels: Image.Image
    """RGB, of the size that the budget gives: the model's processor leaves it as it is, unless
    the budget is too narrow to hold any size of this shape."""
    mpp: float | None
    """Microns per pixel of the picture, whose pixels are square; None if the scale is unknown."""
    scale: SlideScale | None
    """The slide's scale that the picture was made at; None for a plain picture."""
    quickhash: str | None
    """OpenSlide's hash of the slide's identity, None for a plain picture or if it has none."""
    colours: Mapping[str, Any] | None = None
    """`profile`, the name of the slide's colour profile, and whether the pixels are `corrected` to
    sRGB by it; None if the slide has no profile that could be applied."""

    @property
    def image(self) -> PromptImage:
        """The picture as a prompt takes it."""
        region = self.region
        box = Box(region.x, region.y, region.width, region.height)
        return as_prompt_image(self.pixels, box)


class RegionSource(Protocol):
    """A slide that regions are read from: one that this process has open, or one in a reader."""

    @property
    def width(self) -> int:
        """Of level 0, in pixels."""

    @property
    def height(self) -> int:
        """Of level 0, in pixels."""

    @property
    def scale(self) -> SlideScale:
        """Its scale: what is in use, and where that is from."""

    @property
    def quickhash(self) -> str | None:
        """OpenSlide's hash of the slide's identity, `None` if the format has none."""

    @property
    def colour_profile(self) -> ColourProfile | None:
        """Its colour profile, `None` if the file has none."""

    def read_region(
        self, region: Region, max_pixels: int, *, corrected: bool = True
    ) -> Image.Image:
        """The region as RGB, reduced (never enlarged) to at most `max_pixels`."""


def read_slide_picture(
    slide: RegionSource,
    region: Region | None,
    budget: PixelBudget,
    *,
    factor: int = 28,
    corrected: bool = True,
) -> RegionPicture:
    """A region of an open slide, oblong pixels drawn undistorted; None takes all of it.

    Its colours are `corrected` to sRGB where a profile applies, or as they were scanned.

    Raises SlideError for a region outside the slide or damaged pixels, PromptError for one that
    is too narrow.
    """
    region = region or Region(0, 0, slide.width, slide.height)
    check_inside(region, slide.width, slide.height)
    sides, pixel = (region.width, region.height), slide.scale.size
    shape = sides if pixel is None else pixel.undistorted_size(*sides)
    size = resized_size(*shape, budget, factor=factor)
    source_pixels = slide.read_region(
        region, _OVERSAMPLING * size[0] * size[1], corrected=corrected
    )
    pixels = source_pixels.resize(size, Image.Resampling.BICUBIC)
    mpp = None if pixel is None else pixel.picture_mpp(sides, size)
    colours = _colour_facts(slide.colour_profile, corrected=corrected)
    return RegionPicture(region, pixels, mpp, slide.scale, slide.quickhash, colours)


def read_file_picture(
    path: Path, region: Region | None, budget: PixelBudget, *, factor: int = 28
) -> RegionPicture:
    """A region of a slide, or of a PNG or JPEG picture, by its path; None takes all of it.

    Raises SlideError and PromptError, whose messages name the file, never its folder.
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


def colours_text(colours: Mapping[str, Any] | None) -> str:
    """What a report says of the colours that the model saw."""
    if colours is None:
        return "as in the file; no colour profile was applied"
    if colours["corrected"]:
        return f"corrected to sRGB by the slide's profile, {colours['profile']}"
    return f"as scanned; the slide's profile, {colours['profile']}, was not applied"
