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


def slide_named(slides: Sequence[SlideRecord], called: str) -> SlideRecord:
    """The slide of that name; both are compared in NFC. Raises SlideNameError."""
    wanted = normalize_name(called)
    for name in NAMES:
        found = [slide for slide in slides if normalize_name(name(slide)) == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise SlideNameError(
                f"{len(found)} slides are called “{called[:80]}”; write the file with its "
                "folders, or the slide as the page calls it."
            )
    raise SlideNameError(
        f"there is no slide “{called[:80]}” in the slide folders. A slide is named by its file, "
        "with or without folders, or as the page calls it."
    )
