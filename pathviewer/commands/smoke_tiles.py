"""Tiles for a smoke run of a recipe: phantoms with the labels that the stages expect."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models.training.data.tiles import LABELS, write_manifest
from pathviewer.commands.phantom_tiles import phantom_slide_tiles

SPLITS = ("train", "validation")
"""Splits that the embedded model's stages read."""
PER_SLIDE = 6
SLIDE_SIDE = 2000
"""Side of a phantom, level-0 px; the smallest possible."""


def write_smoke_tiles(folders: Sequence[Path]) -> None:
    """Write data folders that let every stage run but teach nothing; keep existing folders.

    A folder named `phantom` gets phantoms, any other one phantoms labelled as lung.
    """
    seed = 0
    for folder in folders:
        labels = ("phantom",) if folder.name == "phantom" else LABELS[:3]
        places = [(label, split) for label in labels for split in SPLITS]
        seeds = range(seed, seed + len(places))
        seed += len(places)
        if not folder.exists():
            _write_folder(folder, dict(zip(seeds, places, strict=True)))


def _write_folder(folder: Path, places: dict[int, tuple[str, str]]) -> None:
    """Write a folder atomically: one slide for each label and split, by its seed."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    tiles = [
        replace(tile, label=label)
        for seed, (label, split) in places.items()
        for tile in phantom_slide_tiles(part, seed, split, PER_SLIDE, side=SLIDE_SIDE)
    ]
    write_manifest(part, tiles)
    part.rename(folder)
