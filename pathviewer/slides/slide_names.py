"""Lookup of slides by the names in imported tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from pathviewer.common.errors import UserError
from pathviewer.slides import user_messages
from storage.names import normalize_name
from storage.slides.store import SlideRecord

NAMES: tuple[Callable[[SlideRecord], str], ...] = (
    lambda slide: slide.id,
    lambda slide: slide.relative_path,
    lambda slide: file_name_of(slide),
    lambda slide: PurePosixPath(file_name_of(slide)).stem,
    lambda slide: slide.alias,
)
"""Names by which a table may refer to a slide, in the order in which they are tried."""


def file_name_of(slide: SlideRecord) -> str:
    """Return a slide's file name in NFC; for an uploaded slide, the sender's name of the file."""
    return normalize_name(slide.file_name or PurePosixPath(slide.relative_path).name)


class SlideNameError(UserError):
    """A name matches no slide or several; the message can be shown to users."""

    code = "slide_name_refused"


def find_slide_by_name(slides: Sequence[SlideRecord], called: str) -> SlideRecord:
    """Return the slide with this name; names are compared in NFC. Raises SlideNameError."""
    wanted_name = normalize_name(called)
    for name in NAMES:
        matches = [slide for slide in slides if normalize_name(name(slide)) == wanted_name]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise SlideNameError(user_messages.several_slides_of_name(len(matches), called))
    raise SlideNameError(user_messages.no_slide_of_name(called))
