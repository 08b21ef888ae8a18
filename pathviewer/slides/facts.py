"""What the library keeps about a slide, so that listing slides opens none."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

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

    bounds: Region | None
    """The part that was scanned, `None` if the file does not say."""

    background: tuple[int, int, int]
    """(red, green, blue) of what was not scanned."""


def read_facts(path: Path, name: str) -> SlideFacts:
    """Open the slide once; `name` is what messages call it.

    Raises SlideGone or SlideUnopenable.
    """
    with closing(Slide(path, name)) as slide:
        return facts_of(slide)


def facts_of(slide: Slide) -> SlideFacts:
    """The facts of an open slide."""
    return SlideFacts(
        width=slide.width,
        height=slide.height,
        claim=slide.claim,
        vendor=slide.vendor,
        level_count=len(slide.levels),
        quickhash=slide.quickhash,
        bounds=slide.bounds,
        background=slide.background,
    )
