"""Tiles of whole slides, for measuring a model on tissue it was not trained on."""

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
"""Side of a tile, px."""
BUDGET = PixelBudget(SIDE * SIDE, SIDE * SIDE)
"""Tiles are resampled like the regions of questions."""
MPP = 1.0
"""Microns per pixel of a tile, close to those of the lung tiles."""
SPLIT = "test"
"""The tiles are for measuring only, never for training."""


def cut_tiles(
    out: Path,
    slides: Sequence[Path],
    *,
    label: str = "other",
    progress: Callable[[int], None] | None = None,
) -> list[Tile]:
    """Cut slides into adjacent tiles, skip those without tissue, and write the rest.

    Each slide is a group, by its name. `progress` is called for each examined tile. Raises
    DataError for an unknown label, if `out` is not empty, if two slides have the same name, for a
    slide of unknown or too coarse scale, and if no tile shows tissue; SlideError for an unreadable
    slide, OSError if writing fails.
    """
    if label not in LABELS:
        message = f"The label {label!r} is none of {', '.join(LABELS)}."
        raise DataError(message)
    names = [path.stem for path in slides]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        message = f"Two slides are named {twice[0]}; a slide's name is its group, so rename one."
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
    """Yield complete tiles, level-0 px, row by row from the upper left corner."""
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
