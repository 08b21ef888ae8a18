"""Tiles of whole slides, on which a model is measured outside of what it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from models.training.measures import TISSUE, open_mask
from models.training.tiles import LABELS, DataError, Tile, empty_folder, write_manifest
from pathviewer.slides.geometry import Region
from pathviewer.slides.slide import Slide

SIDE = 224
"""Of a tile, px."""
MPP = 1.0
"""Microns per pixel of a tile, about those of the lung tiles."""
SPLIT = "test"
"""They are measured on, never trained on."""
QUALITY = 92
"""Of the JPEG tiles, colours not subsampled."""


def cut_tiles(
    out: Path,
    slides: Sequence[Path],
    *,
    label: str = "other",
    progress: Callable[[int], None] | None = None,
) -> list[Tile]:
    """Cut slides into tiles side by side, leave out those without tissue, and write the rest.

    Each slide is a group by its name. `progress` is told how many more slides are done. Raises
    DataError for an unknown label, if `out` holds something, if two slides bear one name or one
    has no scale, SlideError for a slide that cannot be read, OSError if the disk refuses.
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
            tiles += _slide_tiles(out / path.stem, slide, label)
        write_manifest(out, tiles)
        if progress is not None:
            progress(1)
    return tiles


def _slide_tiles(folder: Path, slide: Slide, label: str) -> Iterator[Tile]:
    for region in _regions(slide):
        picture = slide.read_region(region, SIDE * SIDE).pixels
        if picture.size != (SIDE, SIDE):  # a slide that is coarser than the tiles
            picture = picture.resize((SIDE, SIDE))
        if 1 - open_mask(np.asarray(picture)).mean() < TISSUE[0].at:
            continue
        folder.mkdir(exist_ok=True)
        file = folder / f"{region.x}-{region.y}.jpg"
        picture.save(file, quality=QUALITY, subsampling=0)
        yield Tile(file, label, folder.name, SPLIT, "cut")


def _regions(slide: Slide) -> Iterator[Region]:
    """Whole tiles, level-0 px, from the upper left corner on, a row at a time."""
    if slide.mpp is None:
        message = f"{slide.name} does not say its microns per pixel, so no tile has a known scale."
        raise DataError(message)
    side = round(SIDE * MPP / slide.mpp)
    for y in range(0, slide.height - side + 1, side):
        for x in range(0, slide.width - side + 1, side):
            yield Region(x, y, side, side)
