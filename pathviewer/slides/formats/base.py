"""Interface of all formats: the levels of an open file, and pixels of boxes in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pathviewer.slides.geometry import Region


class PixelsUnreadable(Exception):  # noqa: N818  a state of the file, which the slide names
    """Expected pixels cannot be read; the file's handle may be unusable from now on."""


class NotInFormat(Exception):  # noqa: N818  not an error of the file
    """The file is in another format than the one tried, or its structure is damaged."""


class ProfileUnreadable(Exception):  # noqa: N818  a state of the file, which the slide names
    """The file's colour profile cannot be read; the message gives the reason."""


NAMELESS_IMAGE = "picture "
"""Begins the name of an associated image that the file does not name; its number follows."""


@dataclass(frozen=True)
class FileLevel:
    """A level of the file; the file's first level is the finest."""

    width: int
    """In the level's own pixels."""

    height: int
    """In the level's own pixels."""

    stated_downsample: tuple[float, float] | None
    """Level-0 pixels per pixel of the level along x and y, as the file states them.

    `None` if the file states none; a ratio of sizes is not a statement.
    """

    tile_size: tuple[int, int] | None
    """(width, height) of the file's own tiles, `None` if unknown."""


@dataclass(frozen=True)
class UnusedPage:
    """A page of the file that is neither a level nor one of its named images."""

    width: int
    """In the page's own pixels."""

    height: int
    """In the page's own pixels."""

    kind: str | None
    """What the file calls it, such as `label`; `None` if it has no name."""

    reason: str
    """Why it is not used, without a full stop."""


class HasSize(Protocol):
    """Object with a size in pixels."""

    @property
    def width(self) -> int:
        """In its own pixels."""
        ...

    @property
    def height(self) -> int:
        """In its own pixels."""
        ...


def places_to_try(levels: Sequence[HasSize]) -> Iterator[tuple[int, Region]]:
    """Yield levels with one pixel each (`l_` frame) to test whether a file can be read at all.

    One of each level, the coarsest first, and two more of the finest level.
    """
    for index in reversed(range(len(levels))):
        yield index, Region(0, 0, 1, 1)
    finest = levels[0]
    yield 0, Region(finest.width // 2, finest.height // 2, 1, 1)
    yield 0, Region(finest.width - 1, finest.height - 1, 1, 1)


class PyramidFile(Protocol):
    """An open file; threads may read concurrently.

    A new format is one module with such a class, registered in `format_registry.py`.
    """

    @property
    def properties(self) -> Mapping[str, str]:
        """Facts of the file under OpenSlide's names.

        `openslide.vendor` is always present. If the file states them, so are `openslide.mpp-x` and
        `-y`, `openslide.objective-power`, `openslide.quickhash-1`, `openslide.background-color` and
        `openslide.bounds-x`, `-y`, `-width` and `-height`.
        """
        ...

    @property
    def levels(self) -> Sequence[FileLevel]:
        """From the finest to the coarsest."""
        ...

    @property
    def associated_images(self) -> Sequence[str]:
        """Names of the file's other images, such as `label`; they carry patient data."""
        ...

    @property
    def pixel_note(self) -> str | None:
        """How the pixels differ from 8-bit colour; `None` if they do not.

        Such as "16-bit grey, shown reduced to 8 bits".
        """
        ...

    def read(self, level: int, l_box: Region) -> NDArray[np.uint8]:
        """Return pixels of a box of a level (`l_` frame) as (height, width, 4) uint8.

        The order is blue, green, red, alpha; colours are premultiplied by alpha, as in OpenSlide.
        Raises PixelsUnreadable.
        """
        ...

    def read_associated(self, name: str) -> Image.Image:
        """Return one of `associated_images` as RGBA. Raises PixelsUnreadable."""
        ...

    def unused_pages(self, left_out: Sequence[UnusedPage]) -> Sequence[UnusedPage]:
        """Return `left_out`, levels that are not shown, and pages that are no levels or images.

        Only the former for formats whose pages only their library knows. May open the file again.
        """
        ...

    def icc_profile(self) -> bytes | None:
        """Return the colour profile of the levels, `None` if the file has none.

        Raises ProfileUnreadable.
        """
        ...

    def close(self) -> None:
        """Release the file; reads in progress in other threads still succeed."""
        ...
