"""Small made-up tiles: pink ground, purple nuclei, white space, as many as asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.training.data.tiles import SPLITS, Tile, write_manifest

SIDE = 224
LOOKS = {
    "benign": (25, 0.45),
    "adenocarcinoma": (190, 0.15),
    "squamous_cell_carcinoma": (420, 0.0),
    "phantom": (60, 0.0),
}
"""By label the number of nuclei and the share of open space."""


def made_rgb(nuclei: int, space: float, seed: int) -> NDArray[np.uint8]:
    """A picture, (224, 224, 3), in focus; the open space lies on the left."""
    rng = np.random.default_rng(seed)
    grain = rng.normal(0, 6, (SIDE, SIDE, 1))
    rgb = np.array([225.0, 160.0, 200.0]) + grain
    y, x = np.mgrid[:SIDE, :SIDE]
    for centre_x, centre_y in rng.uniform(0, SIDE, (nuclei, 2)):
        rgb[(x - centre_x) ** 2 + (y - centre_y) ** 2 < 12] = (80, 50, 130)
    rgb[:, : int(space * SIDE)] = 244 + 0.2 * grain[:, : int(space * SIDE)]
    return np.clip(rgb, 0, 255).astype(np.uint8)


def made_folder(folder: Path, *, groups: int = 3, copies: int = 2, phantoms: bool = True) -> Path:
    """A data folder with so many groups of each label in each split."""
    folder.mkdir(parents=True, exist_ok=True)
    tiles, seed = [], 0
    for label in LOOKS if phantoms else list(LOOKS)[:3]:
        for split in SPLITS:
            for group in range(groups):
                for _ in range(copies):
                    seed += 1
                    tiles.append(_tile(folder, label, f"{label}-{split}-{group}", split, seed))
    write_manifest(folder, tiles)
    return folder


def _tile(folder: Path, label: str, group: str, split: str, seed: int) -> Tile:
    path = folder / f"{label}-{seed}.png"
    Image.fromarray(made_rgb(*LOOKS[label], seed)).save(path, compress_level=1)
    counts = None
    if label == "phantom":
        counts = {"upper left": 40, "upper right": 10, "lower left": 9, "lower right": seed % 9}
    return Tile(path, label, group, split, "made", counts)
