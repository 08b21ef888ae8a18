"""What replaces the masked cells of a picture in a deletion check.

A fill must take away what the cells show and put nothing new in. `bench maps` measures each with a
positive control (the true evidence is masked) and a negative one (random places are).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

GREY = (122, 116, 104)
"""The mean that Qwen's processor subtracts, so the network sees zeros."""
WHITE = (255, 255, 255)
BLUR_CELLS = 1.0
"""Standard deviation of the blur, in cells."""
PLAIN_SHARE = 0.1
"""Share of the unmasked cells, from the most even one on, that plain tissue is taken from."""
OPEN_LIGHTNESS = 225.0
"""Mean of red, green and blue above which a cell is glass or open space, of 255."""

Fill = Callable[[Image.Image, NDArray[np.bool_]], Image.Image]
"""Returns the picture with the masked cells, (rows, columns), replaced."""


def fill_grey(picture: Image.Image, mask: NDArray[np.bool_]) -> Image.Image:
    """Replace masked cells by the processor's mean."""
    return paste_cells(picture, Image.new("RGB", picture.size, GREY), mask)


def fill_white(picture: Image.Image, mask: NDArray[np.bool_]) -> Image.Image:
    """Replace masked cells by white, which looks like glass."""
    return paste_cells(picture, Image.new("RGB", picture.size, WHITE), mask)


def fill_mean(picture: Image.Image, mask: NDArray[np.bool_]) -> Image.Image:
    """Replace masked cells by the picture's mean colour."""
    mean = np.asarray(picture, np.float64).mean((0, 1))
    colour = tuple(int(value) for value in np.rint(mean))
    return paste_cells(picture, Image.new("RGB", picture.size, colour), mask)


def fill_blur(picture: Image.Image, mask: NDArray[np.bool_]) -> Image.Image:
    """Replace masked cells by themselves, blurred over `BLUR_CELLS` cells."""
    cell = min(picture.width / mask.shape[1], picture.height / mask.shape[0])
    return paste_cells(picture, picture.filter(ImageFilter.GaussianBlur(BLUR_CELLS * cell)), mask)


def fill_plain(picture: Image.Image, mask: NDArray[np.bool_]) -> Image.Image:
    """Replace each masked cell by an even, unmasked cell of tissue in the same picture.

    Even is a cell with little variance; open space is left out unless there is nothing else. With
    everything masked there is no plain tissue, and the mean colour is used.
    """
    pixels = np.asarray(picture)
    down, across = _edges(picture, mask)
    cells = {
        (row, column): pixels[down[row] : down[row + 1], across[column] : across[column + 1]]
        for row, column in np.argwhere(~mask).tolist()
    }
    tissue = {key: cell for key, cell in cells.items() if cell.mean() < OPEN_LIGHTNESS} or cells
    if not tissue:
        return fill_mean(picture, mask)
    ranked = sorted(tissue, key=lambda key: float(tissue[key].std(axis=(0, 1)).sum()))
    plain = ranked[: max(1, round(len(ranked) * PLAIN_SHARE))]
    out = picture.copy()
    for number, (row, column) in enumerate(np.argwhere(mask).tolist()):
        source = Image.fromarray(tissue[plain[number % len(plain)]])
        size = (int(across[column + 1] - across[column]), int(down[row + 1] - down[row]))
        if min(size) > 0:
            out.paste(source.resize(size), (int(across[column]), int(down[row])))
    return out


def find_tissue(picture: Image.Image, cells: tuple[int, ...]) -> NDArray[np.bool_]:
    """(rows, columns): the cells that are not open space; `cells` is (rows, columns)."""
    lightness = np.asarray(picture, np.float64).mean(2)
    down, across = _edges(picture, np.ones(cells, np.bool_))
    sums = np.add.reduceat(np.add.reduceat(lightness, down[:-1], 0), across[:-1], 1)
    area = np.diff(down)[:, None] * np.diff(across)
    tissue: NDArray[np.bool_] = sums / np.maximum(area, 1) < OPEN_LIGHTNESS
    return tissue


FILLS: Mapping[str, Fill] = {
    "grey": fill_grey,
    "blur": fill_blur,
    "mean colour": fill_mean,
    "plain tissue": fill_plain,
    "white": fill_white,
}
"""By name."""


def _edges(
    picture: Image.Image, mask: NDArray[np.bool_]
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """(rows + 1,) and (columns + 1,): the pixels at which cells begin."""
    down = np.rint(np.linspace(0, picture.height, mask.shape[0] + 1)).astype(int)
    across = np.rint(np.linspace(0, picture.width, mask.shape[1] + 1)).astype(int)
    return down, across


def paste_cells(picture: Image.Image, other: Image.Image, mask: NDArray[np.bool_]) -> Image.Image:
    """The picture with the masked cells taken from `other`, which has its size."""
    down, across = _edges(picture, mask)
    cells = np.where(mask, 255, 0).astype(np.uint8)
    pixels = np.repeat(np.repeat(cells, np.diff(down), 0), np.diff(across), 1)
    return Image.composite(other, picture, Image.fromarray(pixels))
