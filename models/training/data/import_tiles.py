"""Import of external tiles into a data folder, each with its split.

Two layouts are supported: a folder with `manifest.csv` (path, label, group_id), and the public
archive of LC25000 (Borkowski et al., arXiv 1912.12142), whose 25,000 pictures are rotated and
mirrored copies of some 1,250 tiles. The CSV files of LC25000-clean tell which pictures are copies.
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
from models.training.data.near_duplicates import cluster_pictures, hash_picture
from models.training.data.splits import choose_splits, read_split_list
from models.training.data.tiles import (
    LABELS,
    MANIFEST,
    DataError,
    Tile,
    empty_folder,
    write_manifest,
)

SIDE = 224
"""Side to which larger pictures are reduced, px; about 1 um/px for LC25000."""
ARCHIVE_LABELS: Mapping[str, str] = {
    "lung_aca": "adenocarcinoma",
    "lung_n": "benign",
    "lung_scc": "squamous_cell_carcinoma",
    "colon_aca": "other",
    "colon_n": "other",
}
"""Label by the archive's folder name; colon is tissue that the model does not know."""
TILE_SUFFIXES = (".jpeg", ".jpg", ".png")


@dataclass(frozen=True)
class SourcePicture:
    """A picture to import."""

    path: Path
    """Where it is."""
    label: str
    """One of `LABELS`."""
    group_id: str
    """Empty until known."""
    source: str
    """Name of the set."""


@dataclass(frozen=True)
class TileImport:
    """Result of an import."""

    tiles: tuple[Tile, ...]
    """As written to the manifest."""
    listed_groups: int
    """Groups with a split in the committed list."""
    unlisted_groups: int
    """Groups with a split chosen by the rule."""


def import_tiles(
    source: Path,
    out: Path,
    *,
    groups: Path | None = None,
    per_group: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> TileImport:
    """Copy the tiles of `source` to `out`, reduced to 224 px, with splits in the manifest.

    `groups` is a CSV of LC25000-clean, or a folder with several; without it, pictures with
    near-identical hashes form a group. `per_group` limits the pictures of each group, in a
    reproducible choice. `progress` receives the number of further pictures done. Raises DataError.
    """
    pictures = find_pictures(source, groups)
    if per_group is not None:
        pictures = keep_per_group(pictures, per_group)
    label_of = {each.group_id: each.label for each in pictures}
    named = {group: split for group, split in read_split_list().items() if group in label_of}
    rest = {group: label for group, label in label_of.items() if group not in named}
    splits = choose_splits(rest) | named
    empty_folder(out)
    tiles = []
    for picture in pictures:
        path = _copy(picture, out)
        split = splits[picture.group_id]
        tiles.append(Tile(path, picture.label, picture.group_id, split, picture.source))
        if progress is not None:
            progress(1)
    write_manifest(out, tiles)
    return TileImport(tuple(tiles), len(named), len(rest))


def find_pictures(source: Path, groups: Path | None = None) -> list[SourcePicture]:
    """Pictures of a folder in a supported layout, with their groups. Raises DataError."""
    if (source / MANIFEST).is_file():
        return _of_manifest(source)
    pictures = _of_archive(source)
    if not pictures:
        message = f"{source.name} has neither {MANIFEST} nor a folder {', '.join(ARCHIVE_LABELS)}."
        raise DataError(message)
    return _by_table(pictures, read_groups(groups)) if groups else _by_hash(pictures)


def read_groups(path: Path) -> dict[str, str]:
    """Group by file name without extension, from one or several CSV files of LC25000-clean.

    Supported are its `final_clusters.csv` (cluster_label, img_path) and `lc25000_image_groups.csv`
    (stem, label, local_cluster_label); groups are named `lung_aca-1` and so on.
    """
    files = sorted(path.rglob("final_clusters.csv")) if path.is_dir() else [path]
    table: dict[str, str] = {}
    for file in files:
        try:
            with file.open(encoding="utf-8-sig", newline="") as stream:
                table |= dict(_group_of(row) for row in csv.DictReader(stream))
        except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
            message = f"{file.name} is not a CSV of LC25000-clean ({error!r})."
            raise DataError(message) from error
    if not table:
        message = f"{path.name} has no groups; pass a CSV of LC25000-clean or their folder."
        raise DataError(message)
    return table


def keep_per_group(pictures: Sequence[SourcePicture], count: int) -> list[SourcePicture]:
    """At most `count` pictures per group, chosen by a seed from the group's name."""
    if count < 1:
        message = f"At least one tile of a group must be kept, not {count}."
        raise DataError(message)
    by_group: dict[str, list[SourcePicture]] = {}
    for picture in sorted(pictures, key=lambda each: each.path.name):
        by_group.setdefault(picture.group_id, []).append(picture)
    chosen: list[SourcePicture] = []
    for group, members in by_group.items():
        random.Random(f"keep {group}").shuffle(members)  # noqa: S311
        chosen += members[:count]
    return chosen


def _of_manifest(source: Path) -> list[SourcePicture]:
    """Pictures of a manifest; labels in natural wording are accepted."""
    with (source / MANIFEST).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    pictures = []
    for number, row in enumerate(rows, 2):
        label = (row.get("label") or "").strip().replace(" ", "_")
        path, group = source / (row.get("path") or ""), row.get("group_id") or ""
        if label not in LABELS or not path.is_file() or not group:
            message = f"{MANIFEST}, line {number}: a picture that is there, a label of "
            raise DataError(f"{message}{', '.join(LABELS)} and a group_id are needed.")
        if not path.resolve().is_relative_to(source.resolve()):
            message = f"{MANIFEST}, line {number}: {row['path']} lies outside the folder."
            raise DataError(message)
        pictures.append(SourcePicture(path, label, group, row.get("source") or source.name))
    return pictures


def _of_archive(source: Path) -> list[SourcePicture]:
    folders = [
        path for path in sorted(source.rglob("*")) if path.is_dir() and path.name in ARCHIVE_LABELS
    ]
    return [
        SourcePicture(path, ARCHIVE_LABELS[folder.name], "", "lc25000")
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in TILE_SUFFIXES
    ]


def _group_of(row: Mapping[str, str]) -> tuple[str, str]:
    """(file name without extension, group) of a row."""
    if "img_path" in row:
        path = Path(row["img_path"])
        return path.stem, f"{path.parent.name}-{row['cluster_label']}"
    return row["stem"], f"{row['label']}-{row['local_cluster_label']}"


def _by_table(pictures: Iterable[SourcePicture], table: Mapping[str, str]) -> list[SourcePicture]:
    """Assign groups to pictures; one without a group might be a copy of any, so it is an error."""
    known = []
    for picture in pictures:
        if picture.path.stem not in table:
            message = f"The groups lack {picture.path.name}; pass the CSV of its whole class."
            raise DataError(message)
        known.append(replace(picture, group_id=table[picture.path.stem]))
    return known


def _by_hash(pictures: Sequence[SourcePicture]) -> list[SourcePicture]:
    """Group near-identical pictures of a class; other copies stay apart."""
    grouped = []
    for folder in sorted({each.path.parent for each in pictures}):
        members = [each for each in pictures if each.path.parent == folder]
        hashes = [hash_picture(np.asarray(_open(each.path))) for each in members]
        for picture, number in zip(members, cluster_pictures(np.stack(hashes)), strict=True):
            grouped.append(
                replace(picture, group_id=f"{folder.name}-hash-{members[number].path.stem}")
            )
    return grouped


def _copy(source_picture: SourcePicture, out: Path) -> Path:
    """Copy a picture, reduced if larger; return the file's path in the data folder."""
    folder = out / source_picture.label
    folder.mkdir(exist_ok=True)
    path = folder / source_picture.path.name
    if path.exists():
        raise DataError(
            f"Two pictures of {source_picture.label} are called {source_picture.path.name}; "
            "rename one."
        )
    picture = _open(source_picture.path)
    if max(picture.size) <= SIDE:
        shutil.copyfile(source_picture.path, path)
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
