"""Pictures for questions, made from tiles by reproducible recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models.training.data.tiles import QUADRANTS, Tile, load_rgb
from models.training.specimen.measures import nuclear_mask, open_mask

SIDE = 224
"""Side of a picture, px."""
HALF = SIDE // 2
"""Side of a mosaic's part, px."""


@dataclass(frozen=True)
class TileView:
    """View of a tile: a square part of it, rotated, then mirrored."""

    left_edge: float = 0.0
    """Left edge of the square, as a share of the tile's side."""
    top_edge: float = 0.0
    """Top edge of the square, as a share of the tile's side."""
    share: float = 1.0
    """Side of the square, as a share of the tile's side."""
    turns: int = 0
    """Quarter turns counter-clockwise."""
    mirrored: bool = False
    """Whether to mirror left and right afterwards."""


@dataclass(frozen=True)
class PictureRecipe:
    """Recipe of a picture; the same recipe gives the same pixels."""

    kind: Literal["tile", "mosaic", "empty"]
    """One tile; four of them, one per quadrant; or only background."""
    tiles: tuple[Tile, ...] = ()
    """One, four by quadrant, or none."""
    view: TileView = TileView()
    """View of the tile, or of each part of the mosaic."""
    glass: tuple[int, ...] = ()
    """Quadrants of a mosaic that show background instead of their tile."""
    blur: float = 0.0
    """Standard deviation of a Gaussian blur, px of the picture; 0 for none."""
    seed: int = 0
    """Seed of the background's scanner noise."""


def draw_picture(picture: PictureRecipe) -> NDArray[np.uint8]:
    """Pixels of the picture, (224, 224, 3) uint8. Raises DataError for a missing tile."""
    if picture.kind == "empty":
        return draw_glass(picture.seed)
    if picture.kind == "tile":
        rgb = lay_tile(load_rgb(picture.tiles[0]), picture.view, SIDE)
    else:
        parts = [lay_tile(load_rgb(tile), picture.view, HALF) for tile in picture.tiles]
        for place in picture.glass:
            parts[place] = draw_glass(picture.seed)[:HALF, :HALF]
        rgb = np.concatenate([np.hstack(parts[:2]), np.hstack(parts[2:])])
    if picture.blur <= 0:
        return rgb
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(picture.blur)))


def lay_tile(rgb: NDArray[np.uint8], view: TileView, side: int) -> NDArray[np.uint8]:
    """View of a tile, (side, side, 3); of a non-square tile only the central square is used."""
    height, width = rgb.shape[:2]
    square_side = min(height, width)
    left_px = (width - square_side) / 2 + view.left_edge * square_side
    top = (height - square_side) / 2 + view.top_edge * square_side
    box = (left_px, top, left_px + view.share * square_side, top + view.share * square_side)
    picture: NDArray[np.uint8] = rgb
    if box != (0, 0, side, side):
        picture = np.asarray(
            Image.fromarray(rgb).resize((side, side), Image.Resampling.BICUBIC, box=box)
        )
    picture = np.rot90(picture, view.turns)
    return np.ascontiguousarray(picture[:, ::-1] if view.mirrored else picture)


def laid_counts(counts: Mapping[str, int], view: TileView) -> dict[str, int]:
    """Counts by quadrant after rotation and mirroring; the view must show the whole tile."""
    grid = np.array([counts[name] for name in QUADRANTS]).reshape(2, 2)
    grid = np.rot90(grid, view.turns)
    grid = grid[:, ::-1] if view.mirrored else grid
    return dict(zip(QUADRANTS, (int(count) for count in grid.ravel()), strict=True))


def quadrant_shares(rgb: NDArray[np.uint8]) -> dict[str, float]:
    """Share of nuclei in each quadrant, by the picture's own mask."""
    nuclear = nuclear_mask(rgb) & ~open_mask(rgb)
    down, right = nuclear.shape[0] // 2, nuclear.shape[1] // 2
    parts = [nuclear[:down, :right], nuclear[:down, right:]]
    parts += [nuclear[down:, :right], nuclear[down:, right:]]
    return {name: float(part.mean()) for name, part in zip(QUADRANTS, parts, strict=True)}


def draw_glass(seed: int) -> NDArray[np.uint8]:
    """Empty glass as scanned, (224, 224, 3): a tint, uneven light, noise, sometimes dust."""
    rng = np.random.default_rng(seed)
    tint = rng.uniform(226, 248) + rng.uniform(-5, 5, 3)
    across, down = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE))
    light = rng.uniform(-4, 4) * across + rng.uniform(-4, 4) * down
    values = tint + light[..., None] + rng.normal(0, rng.uniform(0.5, 3), (SIDE, SIDE, 3))
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(-1, 1, 2)
        near = np.exp(-((across - x) ** 2 + (down - y) ** 2) / rng.uniform(1e-4, 8e-4))
        values -= rng.uniform(20, 70) * near[..., None]
    return np.clip(values, 0, 255).astype(np.uint8)
