"""Tile augmentation: position, scale, stain, white balance, light, and form without colour.

Colour alone nearly separates the lung classes, so a tower that can rely on it learns no form. Masks
measured on the tile as scanned undergo the same geometry as its pixels and no colour change, so
augmentation never changes the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from skimage.color import hed_from_rgb, rgb_from_hed

from models.flat_histogram import equalise_histogram

CELL = 28
"""Side of a visual token, resized px."""
DRAWS = 4
"""Colours tried until one preserves the picture's facts."""


@dataclass(frozen=True)
class AugmentationRange:
    """Limits of augmentation."""

    least_zoom: float = 0.7
    """Smallest zoom: resized pixels per pixel of the tile."""
    most_zoom: float = 1.35
    """Largest zoom: resized pixels per pixel of the tile; more would look out of focus."""
    stain: float = 0.35
    """Largest change of a stain's strength, as a share."""
    light: float = 0.2
    """Largest change of each channel's gain, and of contrast, as a share."""
    grey: float = 0.1
    """Share of pictures in greyscale."""
    equalised: float = 0.35
    """Share of pictures in greyscale with the histogram equalised: form alone."""
    soften: float = 0.2
    """Share of pictures slightly blurred, far from what counts as out of focus."""


@dataclass(frozen=True)
class MaskedTile:
    """A tile as scanned, with its masks."""

    rgb: NDArray[np.uint8]
    """(height, width, 3)."""
    nuclear: NDArray[np.uint8]
    """(height, width): 255 in nuclei."""
    space: NDArray[np.uint8]
    """(height, width): 255 in open space."""


def transform_tile(
    tile: MaskedTile, rows: int, columns: int, look: AugmentationRange, draw: np.random.Generator
) -> MaskedTile:
    """Rotate, mirror and crop a tile to `rows` x `columns` token cells."""
    turns, mirror = int(draw.integers(4)), bool(draw.integers(2))
    height, width = rows * CELL, columns * CELL
    planes = [np.rot90(plane, turns) for plane in (tile.rgb, tile.nuclear, tile.space)]
    if mirror:
        planes = [plane[:, ::-1] for plane in planes]
    tall, wide = planes[0].shape[:2]
    zoom = max(draw.uniform(look.least_zoom, look.most_zoom), height / tall, width / wide)
    left = draw.uniform(0, wide - width / zoom)
    top = draw.uniform(0, tall - height / zoom)
    box = (left, top, min(left + width / zoom, wide), min(top + height / zoom, tall))
    sized = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane)).resize(
                (width, height), Image.Resampling.BICUBIC, box=box
            )
        )
        for plane in planes
    ]
    return MaskedTile(*sized)


def recolour(
    rgb: NDArray[np.uint8],
    look: AugmentationRange,
    draw: np.random.Generator,
    holds: Callable[[NDArray[np.uint8]], bool] = lambda _rgb: True,
) -> NDArray[np.uint8]:
    """Change stain, light and softness of a picture, (height, width, 3).

    Colours are redrawn until the picture's facts hold (`holds`); after `DRAWS` attempts the scan's
    colours stay. Conversion to greyscale comes last.
    """
    drawn = (_stained(rgb, look, draw) for _ in range(DRAWS))
    picture = Image.fromarray(next(filter(holds, drawn), rgb))
    if draw.random() < look.soften:
        picture = picture.filter(ImageFilter.GaussianBlur(draw.uniform(0.2, 0.6)))
    chance = draw.random()
    if chance < look.equalised:
        picture = equalise_histogram(picture)
    elif chance < look.equalised + look.grey:
        picture = ImageOps.grayscale(picture).convert("RGB")
    return np.asarray(picture)


def _stained(
    rgb: NDArray[np.uint8], look: AugmentationRange, draw: np.random.Generator
) -> NDArray[np.uint8]:
    """Vary the strength of the stains and the light."""
    optical = -np.log((rgb.astype(np.float32) + 1.0) / 256.0)
    strengths = np.diag(draw.uniform(1 - look.stain, 1 + look.stain, 3))
    mixed = optical @ (hed_from_rgb @ strengths @ rgb_from_hed).astype(np.float32)
    gain = draw.uniform(1 - look.light, 1.0 + look.light / 2, 3).astype(np.float32)
    contrast = draw.uniform(1 - look.light, 1 + look.light)
    values = np.exp(-mixed * np.float32(contrast)) * gain * 255.0
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)
