"""Regions of real tissue whose nuclei were outlined by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import ModelError
from models.training.data.tiles import QUADRANTS
from models.training.specimen.measures import clear_quadrant
from pathviewer.bench.known_regions import SIDE, KnownRegion, ask_for_quadrant

OUTLINES = "_nuclei.png"
"""End of the name of a picture of outlines: 0 is background, each other value one nucleus."""


def read_outlined(folder: Path, out: Path, most: int) -> Iterator[KnownRegion]:
    """Yield at most `most` tiles of a folder that have a clear quadrant; pictures go into `out`.

    Each picture NAME.jpg or NAME.png has its outlines beside it as NAME_nuclei.png. The largest
    square in the middle is used. Raises ModelError if the folder has no outlines.
    """
    outlines = sorted(folder.glob(f"*{OUTLINES}"))
    if not outlines:
        raise ModelError(f"There are no outlines (NAME{OUTLINES}) in {folder}.")
    found = 0
    for path in outlines:
        region = _read_tile(path, out)
        if region is not None:
            yield region
            found += 1
        if found == most:
            return


def _read_tile(outlines: Path, out: Path) -> KnownRegion | None:
    name = outlines.name.removesuffix(OUTLINES)
    tile = next((each for each in outlines.parent.glob(f"{name}.*") if each != outlines), None)
    if tile is None:
        return None
    centres = _find_centres(_crop(np.asarray(Image.open(outlines))))
    counts = _count(centres)
    if clear_quadrant(counts) is None:
        return None
    square = Image.fromarray(_crop(np.asarray(Image.open(tile).convert("RGB"))))
    options = random.Random(name).sample(QUADRANTS, len(QUADRANTS))
    item = ask_for_quadrant(square.resize((SIDE, SIDE)), counts, out / f"{name}.png", name, options)
    return None if item is None else KnownRegion(item, centres)


def _crop(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    """The largest square in the middle."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _find_centres(labels: NDArray[np.generic]) -> NDArray[np.float64]:
    """(nuclei, 2): x and y of each nucleus's centre as shares of the side."""
    down, across = np.nonzero(labels)
    _, numbers = np.unique(labels[down, across], return_inverse=True)
    size = np.bincount(numbers)
    centres = [np.bincount(numbers, each) / size for each in (across + 0.5, down + 0.5)]
    shares: NDArray[np.float64] = np.stack(centres, 1) / labels.shape[0]
    return shares


def _count(centres: NDArray[np.float64]) -> dict[str, int]:
    """Nuclei by quadrant."""
    right, lower = (centres >= 0.5).T
    corners = lower * 2 + right
    return dict(zip(QUADRANTS, np.bincount(corners, minlength=4).tolist(), strict=True))
