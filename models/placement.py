"""Geometry of a picture's tokens: level-0 box <-> resized pixels <-> token cells.

A token covers a cell of `factor` x `factor` resized pixels, so the cells tile the picture's box
evenly. Boxes are half open: they include their left and top edges, not the right and bottom ones.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models import user_messages
from models.errors import PromptError
from models.messages import Box, ImagePlacement, PixelBudget

FACTOR = 28
"""Side of a cell in resized pixels: a ViT patch of 14, merged 2 x 2."""

MAX_ASPECT = 200
"""Larger aspect ratios are refused, as by Qwen's own processor."""

_TOUCH = 1e-6
"""Share of a cell's side below which an overlap counts as rounding."""


def resized_size(
    width: int, height: int, budget: PixelBudget, *, factor: int = FACTOR
) -> tuple[int, int]:
    """(width, height) after resizing, in pixels; both multiples of `factor`.

    Equal to `smart_resize` of transformers' Qwen2-VL processors. Idempotent if the resulting area
    is within the budget, which very narrow budgets do not allow. Raises `PromptError` for an empty
    picture and for an aspect ratio above `MAX_ASPECT`.
    """
    if width < 1 or height < 1:
        raise PromptError(user_messages.picture_empty(width, height))
    if max(width, height) / min(width, height) > MAX_ASPECT:
        raise PromptError(user_messages.picture_too_narrow(width, height, MAX_ASPECT))
    across = round(width / factor) * factor
    down = round(height / factor) * factor
    if across * down > budget.max_pixels:
        scale = math.sqrt((height * width) / budget.max_pixels)
        down = max(factor, math.floor(height / scale / factor) * factor)
        across = max(factor, math.floor(width / scale / factor) * factor)
    elif across * down < budget.min_pixels:
        scale = math.sqrt(budget.min_pixels / (height * width))
        down = math.ceil(height * scale / factor) * factor
        across = math.ceil(width * scale / factor) * factor
    return across, down


def place_picture(
    box: Box, width: int, height: int, budget: PixelBudget, *, factor: int = FACTOR
) -> ImagePlacement:
    """Placement of a picture of `width` x `height` pixels that shows `box`.

    Raises `PromptError` as `resized_size` does, and for a box without area.
    """
    if not (box.width > 0 and box.height > 0):
        raise PromptError(user_messages.region_empty(box.width, box.height))
    across, down = resized_size(width, height, budget, factor=factor)
    return ImagePlacement(box, across, down, across // factor, down // factor)


def column_edges(placement: ImagePlacement) -> NDArray[np.float64]:
    """(columns + 1,): level-0 x of the cells' edges."""
    shares = np.arange(placement.columns + 1) / placement.columns
    return placement.box.x + placement.box.width * shares


def row_edges(placement: ImagePlacement) -> NDArray[np.float64]:
    """(rows + 1,): level-0 y of the cells' edges."""
    shares = np.arange(placement.rows + 1) / placement.rows
    return placement.box.y + placement.box.height * shares


def cell_box(placement: ImagePlacement, column: int, row: int) -> Box:
    """Area of a cell, level-0 pixels. Raises `IndexError` for a cell that does not exist."""
    if not (0 <= column < placement.columns and 0 <= row < placement.rows):
        raise IndexError(
            f"Cell ({column}, {row}) is not in a grid of {placement.columns} x {placement.rows}."
        )
    across, down = column_edges(placement), row_edges(placement)
    return _between(across[column], down[row], float(across[column + 1]), float(down[row + 1]))


def cell_at(placement: ImagePlacement, x: float, y: float) -> tuple[int, int] | None:
    """(column, row) of the cell at a level-0 point; None outside the picture."""
    column = bisect_right(column_edges(placement), x) - 1
    row = bisect_right(row_edges(placement), y) - 1
    inside = 0 <= column < placement.columns and 0 <= row < placement.rows
    return (column, row) if inside else None


def cells_in_box(placement: ImagePlacement, box: Box) -> NDArray[np.bool_]:
    """(rows, columns): cells that overlap a level-0 box."""
    across = _overlaps(column_edges(placement), box.x, box.x + box.width)
    down = _overlaps(row_edges(placement), box.y, box.y + box.height)
    return down[:, None] & across[None, :]


def box_around(placement: ImagePlacement, cells: NDArray[np.bool_]) -> Box | None:
    """Smallest level-0 box around cells, given as (rows, columns); None if there are none."""
    rows, columns = np.nonzero(cells)
    if not rows.size:
        return None
    across, down = column_edges(placement), row_edges(placement)
    return _between(
        across[columns.min()], down[rows.min()], across[columns.max() + 1], down[rows.max() + 1]
    )


def to_pixels(placement: ImagePlacement, box: Box) -> Box:
    """Convert a level-0 box to resized pixels from the picture's top left corner."""
    across = placement.pixel_width / placement.box.width
    down = placement.pixel_height / placement.box.height
    return Box(
        (box.x - placement.box.x) * across,
        (box.y - placement.box.y) * down,
        box.width * across,
        box.height * down,
    )


def token_columns(placements: Sequence[ImagePlacement], image_index: int) -> slice:
    """Slice of a picture's tokens among the picture tokens of all pictures in order.

    Raises `IndexError` for a picture that does not exist.
    """
    if not 0 <= image_index < len(placements):
        raise IndexError(f"Picture {image_index} is not among the prompt's {len(placements)}.")
    start = sum(placement.tokens for placement in placements[:image_index])
    return slice(start, start + placements[image_index].tokens)


def _overlaps(edges: NDArray[np.float64], start: float, stop: float) -> NDArray[np.bool_]:
    """(cells,): which intervals between edges overlap start..stop."""
    shared = np.minimum(edges[1:], stop) - np.maximum(edges[:-1], start)
    overlaps: NDArray[np.bool_] = shared > _TOUCH * (edges[1:] - edges[:-1])
    return overlaps


def _between(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(float(left), float(top), float(right - left), float(bottom - top))
