"""An odd slide: a small file like those that people bring, and what is right to do with it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import slide_files
from tests.slide_files import Pixels

WIDTH, HEIGHT = 280, 200
"""Level-0 pixels of most odd slides."""

Writer = Callable[[Path], Sequence[Pixels]]
"""Writes the file, or the folder of a DICOM series, and returns what is to be seen of it.

That is (height, width, 3) RGB of each level that is served, the finest first; nothing of a file
that is refused.
"""


@dataclass(frozen=True)
class Served:
    """The slide is shown, read and asked about."""

    factors: Sequence[float | tuple[float, float]] = (1, 4)
    """Level-0 pixels per pixel of each level that is served, along both axes or (x, y)."""

    mpp: tuple[float, float] | None = None
    """(x, y) microns per level-0 pixel in use, `None` if unknown."""

    tolerance: float = 5
    """Largest difference, of 255, between blocks of 8 x 8 pixels of a tile and what was written."""

    label: str = "none"
    """State of its label image; `unnamed` where a page without a name may be one."""

    words: str = ""
    """What the slide's JSON says of it."""

    profile: bytes | None = None
    """ICC profile by which all but raw tiles is corrected to sRGB, `None` if none applies."""

    question: str = ""
    """Words of the sentence that refuses a question about all of it; empty if one is answered."""


@dataclass(frozen=True)
class Refused:
    """The file is named among those that cannot be shown."""

    words: Sequence[str]
    """What the sentence says: what the file is, and the way out."""


@dataclass(frozen=True)
class OddSlide:
    """One kind of file."""

    name: str
    """Of the file as it is listed, unlike all others; a DICOM series is a folder with `-0.dcm`."""

    reason: str
    """Why it is here: a public report, or a class (A to L) of the faults that were found."""

    write: Writer
    """Makes it, the same bytes each time."""

    expected: Served | Refused = Served()
    """What is right."""


def picture(path: Path, *factors: int, width: int = WIDTH, height: int = HEIGHT) -> list[Pixels]:
    """Levels of a picture of the file's own: the finest, and one reduced by each factor."""
    seed = zlib.crc32(path.name.encode())
    return slide_files.pyramid(slide_files.tissue(width, height, seed), *factors)
