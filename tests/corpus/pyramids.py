"""Pyramids whose levels have odd sizes, factors or shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tests import slide_files
from tests.corpus import codecs
from tests.corpus.odd_slide import OddSlide, Served, Writer, picture
from tests.corpus.tiff import YCBCR, Layout, page_of, write_levels, write_pages
from tests.slide_files import Pixels

_JPEG = Layout(codecs.YCBCR_JPEG, YCBCR, (64, 64))
Rounding = Callable[[float], int]


def reduced(pixels: Pixels, factor: float, size: tuple[int, int]) -> Pixels:
    """A level of (width, height) pixels, each the mean of `factor` x `factor` finer ones.

    What lies beyond the finer level's edges is their last column and row.
    """
    width, height = size
    margins = [
        (0, max(0, math.ceil(side * factor) - there))
        for side, there in ((height, pixels.shape[0]), (width, pixels.shape[1]))
    ]
    filled = Image.fromarray(np.pad(pixels, [*margins, (0, 0)], "edge"))
    box = (0.0, 0.0, width * factor, height * factor)
    return np.asarray(filled.resize(size, Image.Resampling.BOX, box))


def rounded(
    base: tuple[int, int],
    *factors: float,
    across: Rounding = math.floor,
    down: Rounding = math.floor,
) -> Writer:
    """A pyramid whose levels' widths and heights are rounded each in its own way."""

    def write(path: Path) -> Sequence[Pixels]:
        (finest,) = picture(path, width=base[0], height=base[1])
        levels = [finest]
        for factor in factors:
            size = max(1, across(base[0] / factor)), max(1, down(base[1] / factor))
            levels.append(reduced(finest, factor, size))
        write_levels(path, levels, _JPEG)
        return levels

    return write


def _flat_tiles(path: Path) -> Sequence[Pixels]:
    """A core biopsy, 499 x 6,000 px, of flat tiles: a quarter of 1,999 x 24,000 px."""
    random = np.random.default_rng(7)
    colours = random.integers(60, 250, (24, 2, 3), np.uint8)
    finest = np.ascontiguousarray(colours.repeat(256, 0).repeat(256, 1)[:6000, :499])
    sizes = {4: (124, 1500), 16: (31, 375)}
    levels = [finest, *(reduced(finest, factor, size) for factor, size in sizes.items())]
    write_levels(path, levels, Layout(tile=(256, 256)))
    return levels


def _padded(path: Path) -> Sequence[Pixels]:
    """Level 1 filled up with white to whole tiles: its factor cannot be told from its size."""
    finest, coarse = picture(path, 4, width=800, height=800)
    padded = np.full((256, 256, 3), 255, np.uint8)
    padded[:200, :200] = coarse
    write_levels(path, [finest, padded], _JPEG)
    return [finest]


def _oblong_level(path: Path) -> Sequence[Pixels]:
    """A page of another shape among the levels, which is none: openslide#297."""
    levels = picture(path, 4)
    other = slide_files.tissue(120, 120, seed=5)
    write_pages(
        path,
        [
            page_of(pixels, _JPEG, index)
            for index, pixels in enumerate((levels[0], other, levels[1]))
        ],
        _JPEG,
    )
    return levels


PYRAMIDS = (
    OddSlide(
        "rounded-down.tif",
        "FIELD A: openseadragon#2691, sizes rounded down",
        rounded((281, 203), 2, 4, 16),
        Served(factors=(1, 2, 4, 16), tolerance=12),
    ),
    OddSlide(
        "rounded-up.tif",
        "FIELD A: sizes rounded up, so that the last pixel is half beyond the slide",
        rounded((281, 201), 2, 4, 16, across=math.ceil, down=math.ceil),
        Served(factors=(1, 2, 4, 16), tolerance=12),
    ),
    OddSlide(
        "rounded-both.tif",
        "FIELD A: widths rounded up, heights down",
        rounded((285, 207), 4, across=math.ceil),
        Served(tolerance=12),
    ),
    OddSlide(
        "factor-3.tif", "factors of 3 and 9", rounded((280, 200), 3, 9), Served((1, 3, 9), None, 12)
    ),
    OddSlide(
        "factor-3-99.tif",
        "FIELD A: serverless-iiif#162, a factor that is no whole number",
        rounded((800, 798), 3.99, across=math.ceil),
        Served((1, (800 / 201, 798 / 200)), None, 12),
    ),
    OddSlide("factor-16.tif", "nothing between 1 and 16", rounded((800, 640), 16), Served((1, 16))),
    OddSlide("single-level.tif", "no pyramid at all", rounded((1500, 700)), Served((1,))),
    OddSlide(
        "core-biopsy.tif",
        "FIELD A: long and narrow, each level a pixel short",
        _flat_tiles,
        Served((1, 4, 16), None, 12),
    ),
    OddSlide(
        "padded.tif",
        "FIELD A: padding without a word of it",
        _padded,
        Served((1,), label="unnamed"),
    ),
    OddSlide(
        "no-level.tif", "FIELD A2: a page of another shape", _oblong_level, Served(label="unnamed")
    ),
    OddSlide(
        "one-column.tif",
        "a slide of one column",
        rounded((1, 300), 4, across=math.ceil),
        Served(question="narrow"),
    ),
    OddSlide("one-pixel.tif", "a slide of one pixel", rounded((1, 1)), Served((1,))),
    OddSlide(
        "last-level-one-row.tif",
        "a coarsest level of one row",
        rounded((280, 24), 4, 16),
        Served((1, 4, 16), None, 12),
    ),
    OddSlide(
        "smaller-than-a-tile.tif",
        "a slide within one tile",
        rounded((40, 30), 2),
        Served((1, 2), None, 12),
    ),
)
