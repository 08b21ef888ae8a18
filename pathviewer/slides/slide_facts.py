"""Facts that the library stores about a slide, so that it can list slides without opening them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pathviewer.slides import user_messages
from pathviewer.slides.colour_profile import ColourProfile
from pathviewer.slides.errors import SlideUnopenable, TileDamaged
from pathviewer.slides.formats.base import NAMELESS_IMAGE, places_to_try
from pathviewer.slides.geometry import Region
from pathviewer.slides.scale import ScaleClaim
from pathviewer.slides.slide import Slide

LabelInFile = Literal["readable", "left out", "possible", "none"]
"""Whether the file holds the slide's label.

`readable`: as an image that the settings may show. `left out`: on a page that cannot be shown.
`possible`: a page or image without a name may be it.
"""


@dataclass(frozen=True)
class SlideFacts:
    """Facts stated in the file."""

    width: int
    """Width of level 0, in pixels."""

    height: int
    """Height of level 0, in pixels."""

    claim: ScaleClaim
    """Its scale, true or not."""

    vendor: str
    """OpenSlide's name of the format."""

    level_count: int
    """Number of levels in the file."""

    quickhash: str | None
    """OpenSlide's fingerprint, `None` if the format has none."""

    pixel_note: str | None
    """How the pixels differ from 8-bit colour and are shown; `None` if they do not."""

    bounds: Region | None
    """The scanned part, `None` if the file does not state it."""

    background: tuple[int, int, int]
    """(red, green, blue) of areas that were not scanned."""

    colour_profile: ColourProfile | None
    """Its colour profile, `None` if the file has none."""

    label: LabelInFile = "none"
    """Whether the file holds the slide's label."""


def read_facts(path: Path, name: str) -> SlideFacts:
    """Open the slide once and read a tile; `name` is its name in messages.

    Raises SlideGone, or SlideUnopenable if none of the tiles tried can be read.
    """
    with closing(Slide(path, name)) as slide:
        if not any(_can_read(slide, *place) for place in places_to_try(slide.levels)):
            raise SlideUnopenable(user_messages.no_tile_readable(name))
        return facts_of(slide)


def _can_read(slide: Slide, level: int, l_box: Region) -> bool:
    try:
        slide.read(level, l_box)
    except TileDamaged:
        return False
    return True


def facts_of(slide: Slide) -> SlideFacts:
    """Return the facts of an open slide."""
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
        label=label_in(slide),
    )


def label_in(slide: Slide) -> LabelInFile:
    """Return whether a slide's file holds the label, as far as the file tells."""
    if "label" in slide.associated_images:
        return "readable"
    kinds = [page.kind for page in slide.unused_pages()]
    if "label" in kinds:
        return "left out"
    nameless = any(name.startswith(NAMELESS_IMAGE) for name in slide.associated_images)
    return "possible" if nameless or None in kinds else "none"
