"""Slides as tables from outside call them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from storage.names import normalize_name
from storage.slides.store import SlideRecord

NAMES: tuple[Callable[[SlideRecord], str], ...] = (
    lambda slide: slide.id,
    lambda slide: slide.relative_path,
    lambda slide: file_name_of(slide),
    lambda slide: PurePosixPath(file_name_of(slide)).stem,
    lambda slide: slide.alias,
)
"""What a table may call a slide, in the order in which it is tried."""


def file_name_of(slide: SlideRecord) -> str:
    """The name of a slide's file in NFC: for an uploaded slide, what its sender calls the file."""
    return normalize_name(slide.file_name or PurePosixPath(slide.relative_path).name)


class SlideNameError(Exception):
    """A name is no slide's, or several slides'; the message is a sentence to be shown."""


def find_slide_by_name(slides: Sequence[SlideRecord], called: str) -> SlideRecord:
    """The slide of that name; both are compared in NFC. Raises SlideNameError."""
    wanted_name = normalize_name(called)
    for name in NAMES:
        matches = [slide for slide in slides if normalize_name(name(slide)) == wanted_name]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise SlideNameError(
                f"{len(matches)} slides are called “{called[:80]}”; write the file with its "
                "folders, or the slide as the page calls it."
            )
    raise SlideNameError(
        f"there is no slide “{called[:80]}” in the slide folders. A slide is named by its file, "
        "with or without folders, or as the page calls it."
    )
