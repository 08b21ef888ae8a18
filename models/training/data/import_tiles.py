"""Bring tiles of others into a data folder, each in its split.

Two layouts are known: a folder with `manifest.csv` (path, label, group_id), and the public archive
of LC25000 (Borkowski et al., arXiv 1912.12142), whose 25,000 pictures are turned and mirrored
copies of some 1,250 tiles. Which are copies of which is told by the CSV files of LC25000-clean.
"""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from models.errors import PromptError
from models.pictures import open_picture
from models.training.data.near_duplicates import clusters, picture_hashes
from models.training.data.splits import choose_splits, listed_splits
from models.training.data.tiles import (
    LABELS,
    MANIFEST,
    DataError,
    Tile,
    empty_folder,
    write_manifest,
)

SIDE = 224
"""Larger pictures are reduced to this side, px; about 1 um/px for LC25000."""
ARCHIVE: Mapping[str, str] = {
    "lung_aca": "adenocarcinoma",
    "lung_n": "benign",
    "lung_scc": "squamous_cell_carcinoma",
    "colon_aca": "other",
    "colon_n": "other",
}
"""Label by folder name of the archive; colon is tissue that the model does not know."""
PICTURES = (".jpeg", ".jpg", ".png")


@dataclass(frozen=True)
class Found:
    """One picture to import."""

    path: Path
    """Where it is."""
    label: str
    """One of `LABELS`."""
    group_id: str
    """Empty until it is known."""
    source: str
    """The set's name."""


@dataclass(frozen=True)
class Imported:
    """What an import brought."""

    tiles: tuple[Tile, ...]
    """As written to the manifest."""
    listed: int
    """Groups whose split the committed list names."""
    unlisted: int
    """Groups whose split the rule chose."""


def import_tiles(
    source: Path,
    out: Path,
    *,
    groups: Path | None = None,
    per_group: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """Copy the tiles of `source` to `out`, reduced to 224 px, with splits in its manifest.

    `groups` is a CSV of LC25000-clean, or a folder with several; without one, pictures with
    near-identical hashes make a group. `per_group` keeps so many of each group, chosen alike every
    time. `progress` is told how many more pictures are done. Raises DataError.
    """
    found = find_pictures(source, groups)
    if per_group is not None:
        found = keep_per_group(found, per_group)
    label_of = {each.group_id: each.label for each in found}
    named = {group: split for group, split in listed_splits().items() if group in label_of}
    rest = {group: label for group, label in label_of.items() if group not in named}
    splits = choose_splits(rest) | named
    empty_folder(out)
    tiles = []
    for each in found:
        path = _copy(each, out)
        split = splits[each.group_id]
        tiles.append(Tile(path, each.label, each.group_id, split, each.source))
        if progress is not None:
            progress(1)
    write_manifest(out, tiles)
    return Imported(tuple(tiles), len(named), len(rest))


def find_pictures(source: Path, groups: Path | None = None) -> list[Found]:
    """The pictures of a folder in a layout that is known, with their groups. Raises DataError."""
    if (source / MANIFEST).is_file():
        return _of_manifest(source)
    found = _of_archive(source)
    if not found:
        message = f"{source.name} has neither {MANIFEST} nor a folder {', '.join(ARCHIVE)}."
        raise DataError(message)
    return _by_table(found, read_groups(groups)) if groups else _by_hash(found)


def read_groups(path: Path) -> dict[str, str]:
    """Group by file name without extension, from one or several CSV files of LC25000-clean.

    Known are its `final_clusters.csv` (cluster_label, img_path) and `lc25000_image_groups.csv`
    (stem, label, local_cluster_label); groups are named `lung_aca-1` and so on.
    """
    files = sorted(path.rglob("final_clusters.csv")) if path.is_dir() else [path]
    table: dict[str, str] = {}
    for file in files:
        try:
            with file.open(encoding="utf-8-sig", newline="") as stream:
                table |= dict(_group_of(row) for row in csv.DictReader(stream))
        except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
            message = f"{file.name} is no CSV of LC25000-clean ({error!r})."
            raise DataError(message) from error
    if not table:
        message = f"{path.name} has no groups; name a CSV of LC25000-clean or their folder."
        raise DataError(message)
    return table


def keep_per_group(found: Sequence[Found], count: int) -> list[Found]:
    """At most `count` pictures of each group, chosen by a seed of the group's name."""
    if count < 1:
        message = f"At least one tile of a group must be kept, not {count}."
        raise DataError(message)
    by_group: dict[str, list[Found]] = {}
    for each in sorted(found, key=lambda each: each.path.name):
        by_group.setdefault(each.group_id, []).append(each)
    kept: list[Found] = []
    for group, members in by_group.items():
        random.Random(f"keep {group}").shuffle(members)  # noqa: S311
        kept += members[:count]
    return kept


def _of_manifest(source: Path) -> list[Found]:
    """Pictures of a manifest; a spoken label is taken for its written form."""
    with (source / MANIFEST).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for number, row in enumerate(rows, 2):
        label = (row.get("label") or "").strip().replace(" ", "_")
        path, group = source / (row.get("path") or ""), row.get("group_id") or ""
        if label not in LABELS or not path.is_file() or not group:
            message = f"{MANIFEST}, line {number}: a picture that is there, a label of "
            raise DataError(f"{message}{', '.join(LABELS)} and a group_id are needed.")
        if not path.resolve().is_relative_to(source.resolve()):
            message = f"{MANIFEST}, line {number}: {row['path']} lies outside the folder."
            raise DataError(message)
        found.append(Found(path, label, group, row.get("source") or source.name))
    return found


def _of_archive(source: Path) -> list[Found]:
    folders = [path for path in sorted(source.rglob("*")) if path.is_dir() and path.name in ARCHIVE]
    return [
        Found(path, ARCHIVE[folder.name], "", "lc25000")
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in PICTURES
    ]


def _group_of(row: Mapping[str, str]) -> tuple[str, str]:
    """(file name without extension, group) of a row."""
    if "img_path" in row:
        path = Path(row["img_path"])
        return path.stem, f"{path.parent.name}-{row['cluster_label']}"
    return row["stem"], f"{row['label']}-{row['local_cluster_label']}"


def _by_table(found: Iterable[Found], table: Mapping[str, str]) -> list[Found]:
    """Pictures with their groups; one without might be a copy of any, so it is an error."""
    known = []
    for each in found:
        if each.path.stem not in table:
            message = f"The groups say nothing of {each.path.name}; name the CSV of all its class."
            raise DataError(message)
        known.append(replace(each, group_id=table[each.path.stem]))
    return known


def _by_hash(found: Sequence[Found]) -> list[Found]:
    """Near-identical pictures of one class as a group; other copies stay apart."""
    grouped = []
    for folder in sorted({each.path.parent for each in found}):
        own = [each for each in found if each.path.parent == folder]
        hashes = [picture_hashes(np.asarray(_open(each.path))) for each in own]
        for each, number in zip(own, clusters(np.stack(hashes)), strict=True):
            grouped.append(replace(each, group_id=f"{folder.name}-hash-{own[number].path.stem}"))
    return grouped


def _copy(each: Found, out: Path) -> Path:
    """Copy a picture, reduced where it is larger; the file's path in the data folder."""
    folder = out / each.label
    folder.mkdir(exist_ok=True)
    path = folder / each.path.name
    if path.exists():
        message = f"Two pictures of {each.label} are called {each.path.name}; rename one."
        raise DataError(message)
    picture = _open(each.path)
    if max(picture.size) <= SIDE:
        shutil.copyfile(each.path, path)
        return path
    scale = SIDE / min(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    picture.resize(size, Image.Resampling.LANCZOS).save(path, quality=92, subsampling=0)
    return path


def _open(path: Path) -> Image.Image:
    try:
        return open_picture(path)
    except PromptError as error:
        raise DataError(str(error)) from error
