"""What the library keeps about a slide, so that listing slides opens none."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pathviewer.slides.colour_profile import ColourProfile
from pathviewer.slides.errors import SlideUnopenable, TileDamaged
from pathviewer.slides.formats.base import places_to_try
from pathviewer.slides.geometry import Region
from pathviewer.slides.scale import ScaleClaim
from pathviewer.slides.slide import Slide


@dataclass(frozen=True)
class SlideFacts:
    """Facts that the file itself states."""

    width: int
    """Of level 0, in pixels."""

    height: int
    """Of level 0, in pixels."""

    claim: ScaleClaim
    """Its scale, true or not."""

    vendor: str
    """OpenSlide's name of the format."""

    level_count: int
    """Levels in the file."""

    quickhash: str | None
    """OpenSlide's fingerprint, `None` if the format has none."""

    pixel_note: str | None
    """How the file differs from 8-bit colour, and how it is shown; `None` if it is one."""

    bounds: Region | None
    """The part that was scanned, `None` if the file does not say."""

    background: tuple[int, int, int]
    """(red, green, blue) of what was not scanned."""

    colour_profile: ColourProfile | None
    """Its colour profile, `None` if the file has none."""

    has_label: bool = False
    """Whether the file has a picture of the slide's label."""


def read_facts(path: Path, name: str) -> SlideFacts:
    """Open the slide once and read a tile; `name` is what messages call it.

    Raises SlideGone, or SlideUnopenable where no tile of those tried can be read.
    """
    with closing(Slide(path, name)) as slide:
        if not any(_can_read(slide, *place) for place in places_to_try(slide.levels)):
            raise SlideUnopenable(
                f"{name} cannot be shown: none of its tiles can be read. Copy it again; if that "
                "does not help, its tiles are written in an unusual way, and `vips tiffsave in.tif "
                "out.tif --tile --pyramid --compression jpeg` may convert it."
            )
        return facts_of(slide)


def _can_read(slide: Slide, level: int, l_box: Region) -> bool:
    try:
        slide.read(level, l_box)
    except TileDamaged:
        return False
    return True


def facts_of(slide: Slide) -> SlideFacts:
    """The facts of an open slide."""
    return SlideFacts(
        width=slide.width,
        height=slide.height,
        claim=slide.claim,
        vendor=slide.vendor,
        level_count=len(slide.levels),
        quickhash=slide.quickhash,
        pixel_note=slide.pixel_note,
        bounds=slide.bounds,
        background=slide.background,
        colour_profile=slide.colour_profile,
        has_label="label" in slide.associated_images,
    )
