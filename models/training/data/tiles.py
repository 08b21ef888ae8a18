"""Training tiles: a folder with pictures and a `manifest.csv` that describes them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import ModelError, PromptError
from models.pictures import open_picture

MANIFEST = "manifest.csv"
SPLITS = ("train", "rl", "validation", "test")
"""In order of use: SFT, reinforcement learning, selection, final test."""
LABELS = ("benign", "adenocarcinoma", "squamous_cell_carcinoma", "other", "phantom")
"""Labels of tiles: lung as in LC25000, tissue of another organ, a synthetic slide."""
QUADRANTS = ("upper left", "upper right", "lower left", "lower right")
QUALITY = 92
"""JPEG quality of written files."""
COLUMNS = ("path", "label", "group_id", "split", "source")
COUNT_COLUMNS = tuple(f"nuclei_{name.replace(' ', '_')}" for name in QUADRANTS)
"""Columns with the true number of nuclei by quadrant; empty if unknown."""


class DataError(ModelError):
    """A folder of tiles that cannot be read or written; the message names the row or value."""


@dataclass(frozen=True)
class Tile:
    """A picture for training or testing."""

    path: Path
    """The picture's file."""
    label: str
    """One of `LABELS`."""
    group_id: str
    """Source picture or slide; tiles of a group are not independent."""
    split: str
    """One of `SPLITS`."""
    source: str
    """Set of origin, such as `lc25000`."""
    quadrant_counts: Mapping[str, int] | None = None
    """True number of nuclei by quadrant; None if unknown."""


def read_tiles(folder: Path, split: str | None = None) -> list[Tile]:
    """Tiles of a data folder in the manifest's order, optionally of one split.

    Raises DataError for a manifest that is unreadable, lacks a column, has an unknown label or
    split, lists a picture twice or one that is missing, or puts a group into two splits.
    """
    rows = _rows(folder)
    tiles = [_tile(folder, row, number) for number, row in enumerate(rows, 2)]
    _check_whole(tiles, folder)
    chosen = [tile for tile in tiles if split is None or tile.split == split]
    if not chosen:
        message = f"{folder.name} has no tiles" + (f" of the split {split!r}." if split else ".")
        raise DataError(message)
    return chosen


def load_rgb(tile: Tile) -> NDArray[np.uint8]:
    """Pixels, (height, width, 3) uint8, with transparency on white. Raises DataError."""
    try:
        return np.array(open_picture(tile.path), dtype=np.uint8)
    except PromptError as error:
        message = f"A tile cannot be used. {error}"
        raise DataError(message) from error


def save_tile(picture: Image.Image, path: Path) -> None:
    """Write a tile as JPEG without chroma subsampling."""
    picture.save(path, quality=QUALITY, subsampling=0)


def write_manifest(folder: Path, tiles: Iterable[Tile]) -> Path:
    """Write `manifest.csv` for tiles whose files are below `folder`."""
    path = folder / MANIFEST
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS + COUNT_COLUMNS)
        for tile in tiles:
            counts = tile.quadrant_counts or {}
            row = [tile.path.relative_to(folder).as_posix(), tile.label, tile.group_id]
            row += [tile.split, tile.source, *(str(counts.get(name, "")) for name in QUADRANTS)]
            writer.writerow(row)
    return partial.replace(path)


def empty_folder(folder: Path) -> Path:
    """Create a folder for a new set if needed. Raises DataError if it is not empty."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            return folder
    except OSError as error:
        message = f"{folder.name} cannot be written to ({error.strerror}); name another --out."
        raise DataError(message) from error
    message = f"{folder.name} is not empty; name a new folder."
    raise DataError(message)


def _rows(folder: Path) -> list[dict[str, str]]:
    path = folder / MANIFEST
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{folder.name} has no {MANIFEST} that can be read ({error})."
        hint = "`train data import` writes one."
        raise DataError(f"{message} {hint}") from error
    if missing:
        message = f"{MANIFEST} of {folder.name} lacks {', '.join(missing)}; `train data import` "
        raise DataError(message + "writes them.")
    return rows


def _tile(folder: Path, row: Mapping[str, str], number: int) -> Tile:
    """Validate a row; `number` is its line in the file."""
    path = folder / row["path"]
    if row["label"] not in LABELS:
        message = f"line {number}: the label {row['label']!r} is not one of {', '.join(LABELS)}."
    elif row["split"] not in SPLITS:
        message = f"line {number}: the split {row['split']!r} is not one of {', '.join(SPLITS)}."
    elif not row["group_id"]:
        message = f"line {number}: {row['path']} has no group_id."
    elif not row["path"] or not path.is_file():
        message = f"line {number}: the picture {row['path']!r} is missing."
    else:
        counts = _counts(row, number)
        return Tile(path, row["label"], row["group_id"], row["split"], row["source"], counts)
    raise DataError(f"{MANIFEST} of {folder.name}, {message}")


def _counts(row: Mapping[str, str], number: int) -> dict[str, int] | None:
    texts = [row.get(column) or "" for column in COUNT_COLUMNS]
    if not any(texts):
        return None
    if not all(text.isdecimal() for text in texts):
        message = f"{MANIFEST}, line {number}: the counts of nuclei {texts} are not four numbers."
        raise DataError(message)
    return dict(zip(QUADRANTS, map(int, texts), strict=True))


def _check_whole(tiles: list[Tile], folder: Path) -> None:
    """Refuse a picture listed twice and a group in two splits."""
    group_splits: set[Path] = set()
    splits: dict[tuple[str, str], str] = {}
    for tile in tiles:
        if tile.path in group_splits:
            message = f"{MANIFEST} of {folder.name} names {tile.path.name} twice."
            raise DataError(message)
        group_splits.add(tile.path)
        first = splits.setdefault((tile.source, tile.group_id), tile.split)
        if first != tile.split:
            message = f"{MANIFEST} of {folder.name} puts the group {tile.group_id} into {first} "
            raise DataError(f"{message}and {tile.split}; a group must stay whole.")
