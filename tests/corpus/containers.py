"""Where in a TIFF file the levels, tiles and tags lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests import slide_files
from tests.corpus import codecs
from tests.corpus.compressions import written
from tests.corpus.odd_slide import OddSlide, Served, picture
from tests.corpus.tiff import YCBCR, Layout, page_of, write_levels, write_pages
from tests.slide_files import Pixels

_JPEG = Layout(codecs.YCBCR_JPEG, YCBCR, (64, 64))


def _odd_order(path: Path) -> Sequence[Pixels]:
    levels = picture(path, 2, 4, 8)
    order = [0, 3, 1, 2]
    write_pages(path, [page_of(levels[index], _JPEG, index) for index in order], _JPEG)
    return levels


def _twice(path: Path) -> Sequence[Pixels]:
    levels = picture(path, 4)
    write_levels(path, [*levels, levels[1]], _JPEG)
    return [*levels, levels[1]]


def _without_tiles(path: Path) -> Sequence[Pixels]:
    """The last column and the second row of tiles are not there."""
    (finest,) = picture(path)
    page, columns = page_of(finest, _JPEG), 5
    segments = [
        b"" if index % columns == columns - 1 or index // columns == 1 else data
        for index, data in enumerate(page.segments)
    ]
    seen = finest.copy()
    seen[64:128] = seen[:, 256:] = 255
    levels = slide_files.pyramid(seen, 4)
    write_pages(path, [replace(page, segments=segments), page_of(levels[1], _JPEG, 1)], _JPEG)
    return levels


CONTAINERS = (
    OddSlide("big-tiff.tif", "slides beyond 4 GiB", written(replace(_JPEG, big=True))),
    OddSlide(
        "big-endian-big-tiff.tif",
        "bioformats' default byte order, beyond 4 GiB",
        written(Layout(order=">", big=True)),
    ),
    OddSlide(
        "odd-order.tif",
        "levels from coarse to fine after the first",
        _odd_order,
        Served(factors=(1, 2, 4, 8), tolerance=8),
    ),
    OddSlide("twice.tif", "a level that is there twice", _twice, Served(factors=(1, 4, 4))),
    OddSlide("oblong-tiles.tif", "tiles of 256 x 128 px", written(Layout(tile=(256, 128)))),
    OddSlide("tiles-240.tif", "Aperio's tiles of 240 px", written(replace(_JPEG, tile=(240, 240)))),
    OddSlide("tiles-512.tif", "tiles larger than the slide", written(Layout(tile=(512, 512)))),
    OddSlide("tiles-missing.tif", "openslide#576: tiles of no bytes", _without_tiles),
)

BEYOND_OPENSLIDE = (
    OddSlide("big-endian.tif", "the byte order of old scanners", written(Layout(order=">"))),
    OddSlide("big-endian-jpeg.tif", "tiles that pass through", written(replace(_JPEG, order=">"))),
    OddSlide("sub-ifds.tif", "levels as sub-pages", written(replace(_JPEG, sub_ifds=True))),
)

STRIPS = (
    OddSlide(
        "strips.tif",
        "FIELD D: NCRF#9, strips",
        written(Layout(tile=(0, 16), strips=True)),
        Served(factors=(1, 4)),
    ),
    OddSlide(
        "one-strip.tif",
        "FIELD D: all of it in one strip",
        written(Layout(tile=(0, 200), strips=True)),
        Served(factors=(1, 4)),
    ),
)
