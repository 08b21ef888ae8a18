"""Which format a file is in."""

from __future__ import annotations

from pathlib import Path

from pathviewer.slides.formats.base import PyramidFile
from pathviewer.slides.formats.openslide_file import OpenSlideFile


def open_pyramid(path: Path, name: str) -> PyramidFile:
    """Open a slide's file with the library that reads it; `name` is what messages call the slide.

    Raises SlideGone when there is no file, SlideUnopenable when no library can open it.
    """
    return OpenSlideFile(path, name)
