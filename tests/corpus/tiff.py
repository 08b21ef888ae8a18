"""TIFF pyramids of any samples, compression and layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tests import slide_files
from tests.corpus.codecs import DEFLATE, Codec
from tests.corpus.odd_slide import picture
from tests.raw_tiff import ASCII, LONG, SHORT, Page, Tags, Values, write_tiff
from tests.slide_files import Pixels

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB = 0, 1, 2, 3, 5, 6, 8
"""TIFF's numbers of photometric interpretations."""

_SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}

TILE = 128
"""Side of tiles that are served as they lie in the file, though encoded again."""


@dataclass(frozen=True)
class Layout:
    """How a pyramid lies in its file."""

    codec: Codec = DEFLATE
    """How tiles are encoded."""

    photometric: int = RGB
    """What the samples mean."""

    tile: tuple[int, int] = (TILE, TILE)
    """(width, height) of the tiles."""

    strips: bool = False
    """Strips of the height of a tile instead of tiles."""

    planar: bool = False
    """Whether each sample has tiles of its own."""

    bits: int | None = None
    """Bits per sample where the codec packs them; else as the pixels have."""

    tags: Tags = field(default_factory=dict)
    """Further tags of every page."""

    description: str = ""
    """Of every page."""

    sub_ifds: bool = False
    """Whether the coarser levels are sub-pages of the finest."""

    order: Literal["<", ">"] = "<"
    """Byte order."""

    big: bool = False
    """Whether the file is a BigTIFF."""


def page_of(pixels: NDArray[Any], layout: Layout, level: int = 0, **more: Any) -> Page:
    """One level, (height, width) or (height, width, samples), as a page; `more` as of Page."""
    height, width = pixels.shape[:2]
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    tags: dict[int, tuple[int, Values]] = {
        254: (LONG, [1 if level else 0]),
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [layout.bits or 8 * pixels.dtype.itemsize] * samples),
        259: (SHORT, [layout.codec.compression]),
        262: (SHORT, [layout.photometric]),
        277: (SHORT, [samples]),
        284: (SHORT, [2 if layout.planar else 1]),
    }
    if layout.strips:
        tags[278] = (LONG, [layout.tile[1]])
    else:
        tags |= {322: (LONG, [layout.tile[0]]), 323: (LONG, [layout.tile[1]])}
    if pixels.dtype.itemsize > 1:
        tags[339] = (SHORT, [_SAMPLE_FORMATS[pixels.dtype.kind]] * samples)
    if layout.description:
        tags[270] = (ASCII, layout.description.encode() + b"\0")
    segments = [layout.codec.encode(part) for part in _parts(pixels, layout)]
    return Page(tags | dict(layout.tags), segments, layout.strips, **more)


def write_pages(path: Path, pages: Sequence[Page], layout: Layout) -> None:
    """The pages in the byte order and format of the layout."""
    write_tiff(path, pages, order=layout.order, big=layout.big)


def write_levels(path: Path, levels: Sequence[NDArray[Any]], layout: Layout) -> None:
    """A pyramid, the finest level first."""
    pages = [page_of(pixels, layout, level) for level, pixels in enumerate(levels)]
    if layout.sub_ifds:
        pages = [page_of(levels[0], layout, subpages=pages[1:])]
    write_pages(path, pages, layout)


def write_picture(path: Path, layout: Layout, *factors: int) -> list[Pixels]:
    """A pyramid of the file's own RGB picture; its levels."""
    levels = picture(path, *(factors or (4,)))
    write_levels(path, levels, layout)
    return levels


def with_tags(tags: Mapping[int, tuple[int, Values]], layout: Layout) -> Layout:
    """The layout with further tags."""
    from dataclasses import replace

    return replace(layout, tags=dict(layout.tags) | dict(tags))


def _parts(pixels: NDArray[Any], layout: Layout) -> Iterator[NDArray[Any]]:
    order = layout.order
    planes = np.moveaxis(pixels, 2, 0) if layout.planar else [pixels]
    for plane in planes:
        ordered = plane.astype(plane.dtype.newbyteorder(order), copy=False)
        if layout.strips:
            high = layout.tile[1]
            yield from (ordered[top : top + high] for top in range(0, len(ordered), high))
        else:
            yield from slide_files.tiles_of(ordered, *layout.tile)
