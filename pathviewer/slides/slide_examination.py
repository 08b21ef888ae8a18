"""Examination of a slide's file for administrators; runs in a reader process."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pathviewer.slides.formats.base import UnusedPage
from pathviewer.slides.patient_tags import patient_tags
from pathviewer.slides.slide import Slide
from pathviewer.slides.slide_facts import SlideFacts, read_facts

_SCALE_SOURCES = {
    "dicom": "PixelSpacing",
    "generic-tiff": "resolution tags or the image description",
}
"""Where a format stores its scale; other formats have fields of their own."""


@dataclass(frozen=True)
class SlideExamination:
    """Facts about a slide's file for administrators."""

    width: int
    """Width of level 0, in pixels."""

    height: int
    """Height of level 0, in pixels."""

    vendor: str
    """OpenSlide's name of the format."""

    level_count: int
    """Levels in the file whose position is known."""

    scale: str
    """Microns per pixel and their source in the file, or why they are unknown."""

    pixel_note: str | None
    """How the pixels differ from 8-bit colour, `None` if they do not."""

    colour_profile: str | None
    """Name of the file's ICC profile and whether it is applied, `None` without a profile."""

    associated_images: tuple[str, ...]
    """Names of its other images, such as the label; they may show a patient's name."""

    unused_pages: tuple[str, ...]
    """Pages that are neither levels nor named images, with the reasons."""

    patient_tags: tuple[str, ...]
    """Names of filled tags that may name a patient; never their values."""


def examine(path: Path, name: str) -> SlideExamination:
    """Open a slide once, read a tile, and check its tags. Raises SlideError."""
    facts, profile = read_facts(path, name), None
    if facts.colour_profile is not None:
        profile = facts.colour_profile.sentence
    with closing(Slide(path, name)) as slide:
        return SlideExamination(
            width=facts.width,
            height=facts.height,
            vendor=facts.vendor,
            level_count=facts.level_count,
            scale=_scale(facts),
            pixel_note=facts.pixel_note,
            colour_profile=profile,
            associated_images=slide.associated_images,
            unused_pages=tuple(_page_text(page) for page in slide.unused_pages()),
            patient_tags=tuple(patient_tags(path, dict(slide.properties))),
        )


def _page_text(page: UnusedPage) -> str:
    return f"{page.kind or 'unnamed'}, {page.width} x {page.height} px: {page.reason}"


def _scale(facts: SlideFacts) -> str:
    claim = facts.claim
    if claim.size is None:
        return f"unknown: {claim.problem or 'the file does not say'}"
    source = _SCALE_SOURCES.get(facts.vendor, "the format's own fields")
    return f"{claim.size.text} um per pixel ({source})"
