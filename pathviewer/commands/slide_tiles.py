"""Tiles of whole slides, on which a model is measured outside of what it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from models.messages import PixelBudget
from models.training.data.tiles import (
    LABELS,
    DataError,
    Tile,
    empty_folder,
    save_tile,
    write_manifest,
)
from models.training.specimen.measures import TISSUE, open_mask
from pathviewer.questions.region_picture import read_slide_picture
from pathviewer.slides.geometry import Region
from pathviewer.slides.slide import Slide

SIDE = 224
"""Of a tile, px."""
BUDGET = PixelBudget(SIDE * SIDE, SIDE * SIDE)
"""A tile is reduced as a region is that is asked about."""
MPP = 1.0
"""Microns per pixel of a tile, about those of the lung tiles."""
SPLIT = "test"
"""They are measured on, never trained on."""


def cut_tiles(
    out: Path,
    slides: Sequence[Path],
    *,
    label: str = "other",
    progress: Callable[[int], None] | None = None,
) -> list[Tile]:
    """Cut slides into tiles side by side, leave out those without tissue, and write the rest.

    Each slide is a group by its name. `progress` is told of each tile that was looked at. Raises
    DataError for an unknown label, if `out` holds something, if two slides bear one name, for a
    slide of unknown or too coarse scale and if no tile shows tissue; SlideError for a slide that
    cannot be read, OSError if the disk refuses.
    """
    if label not in LABELS:
        message = f"The label {label!r} is none of {', '.join(LABELS)}."
        raise DataError(message)
    names = [path.stem for path in slides]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        message = f"Two slides are called {twice[0]}; a slide's name is its group, so rename one."
        raise DataError(message)
    empty_folder(out)
    tiles: list[Tile] = []
    for path in slides:
        with closing(Slide(path, path.name)) as slide:
            tiles += _slide_tiles(out / path.stem, slide, label, progress)
        write_manifest(out, tiles)
    if not tiles:
        message = f"No tile of {SIDE * MPP:.0f} um shows tissue; name other slides."
        raise DataError(message)
    return tiles


def _slide_tiles(
    folder: Path, slide: Slide, label: str, progress: Callable[[int], None] | None
) -> Iterator[Tile]:
    for region in _regions(slide):
        if progress is not None:
            progress(1)
        picture = read_slide_picture(slide, region, BUDGET).pixels
        if 1 - open_mask(np.asarray(picture)).mean() < TISSUE[0].at:
            continue
        folder.mkdir(exist_ok=True)
        file = folder / f"{region.x}-{region.y}.jpg"
        save_tile(picture, file)
        yield Tile(file, label, folder.name, SPLIT, "cut")


def _regions(slide: Slide) -> Iterator[Region]:
    """Whole tiles, level-0 px, from the upper left corner on, a row at a time."""
    if slide.mpp is None:
        why = slide.scale.problem or "its scale is unknown or its pixels are oblong"
        message = f"{slide.name} gives no tile of a known scale: {why.rstrip('.')}."
        raise DataError(message)
    if slide.mpp > MPP:
        message = (
            f"{slide.name} has {slide.mpp:g} um per pixel, coarser than the {MPP:g} of a tile."
        )
        raise DataError(message)
    side = round(SIDE * MPP / slide.mpp)
    for y in range(0, slide.height - side + 1, side):
        for x in range(0, slide.width - side + 1, side):
            yield Region(x, y, side, side)
