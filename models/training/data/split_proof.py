"""Proof that splits are disjoint, by group and by content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.training.data.near_duplicates import (
    NEAR_DISTANCE,
    NearPair,
    find_pairs_across_splits,
    hash_tiles,
)
from models.training.data.tiles import Tile, read_tiles


@dataclass(frozen=True)
class SplitReport:
    """Result of a check."""

    tiles: int
    """Number of pictures compared."""
    groups: int
    """Number of their groups."""
    limit: int
    """Largest distance of near-identical pictures, of 256 bits."""
    split_groups: tuple[str, ...]
    """Groups in two splits."""
    pairs: tuple[NearPair, ...]
    """Near-identical pictures in two splits, nearest first."""
    closest: int | None
    """Distance of the nearest pair across splits above the limit; None without a pair."""

    @property
    def has_overlap(self) -> bool:
        """Whether anything is in two splits."""
        return bool(self.split_groups or self.pairs)

    def as_dict(self) -> dict[str, Any]:
        """As JSON values, for `--json`."""
        return {
            "tiles": self.tiles,
            "groups": self.groups,
            "limit": self.limit,
            "split_groups": list(self.split_groups),
            "closest_allowed": self.closest,
            "pairs": [_pair_json(pair) for pair in self.pairs],
        }

    def sentences(self, most: int) -> list[str]:
        """Sentences for users, with at most `most` groups and pairs."""
        lines = [f"The group {group} is in two splits." for group in self.split_groups[:most]]
        lines += [
            f"{_tile_name(pair.first)} and {_tile_name(pair.second)} differ in "
            f"{pair.distance} bits."
            for pair in self.pairs[:most]
        ]
        if self.has_overlap:
            hint = "Put their groups into one split and import again."
            numbers = f"{len(self.split_groups)} groups and {len(self.pairs)} pairs"
            return [*lines, f"{numbers} of near-identical pictures cross splits. {hint}"]
        return [
            f"{self.tiles} tiles of {self.groups} groups: no group and no near-identical picture "
            f"crosses splits. Near-identical is a distance of at most {self.limit} of 256 bits; "
            f"the nearest pair across splits differs in {self.closest}."
        ]


def check_folders(
    folders: Sequence[Path],
    *,
    limit: int = NEAR_DISTANCE,
    progress: Callable[[int], None] | None = None,
) -> SplitReport:
    """Compare all tiles of all splits of several data folders. Raises DataError."""
    tiles = [tile for folder in folders for tile in read_tiles(folder)]
    hashes = hash_tiles(tiles, progress)
    pairs, closest = find_pairs_across_splits(tiles, hashes, limit=limit)
    return SplitReport(
        tiles=len(tiles),
        groups=len({tile.group_id for tile in tiles}),
        limit=limit,
        split_groups=tuple(split_groups(tiles)),
        pairs=tuple(pairs),
        closest=closest,
    )


def split_groups(tiles: Sequence[Tile]) -> list[str]:
    """Groups in two splits, also across folders."""
    splits: dict[str, set[str]] = {}
    for tile in tiles:
        splits.setdefault(tile.group_id, set()).add(tile.split)
    return sorted(group for group, own in splits.items() if len(own) > 1)


def _pair_json(pair: NearPair) -> dict[str, Any]:
    sides = (pair.first, pair.second)
    return {
        "distance": pair.distance,
        "pictures": [tile.path.name for tile in sides],
        "groups": [tile.group_id for tile in sides],
        "splits": [tile.split for tile in sides],
    }


def _tile_name(tile: Tile) -> str:
    return f"{tile.path.name} ({tile.group_id}, {tile.split})"
