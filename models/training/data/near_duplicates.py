"""Near-identical pictures by perceptual hash: none may be in two splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.training.data.tiles import Tile, load_rgb

SIDE = 16
"""Side of the hash: 256 bits."""
NEAR_DISTANCE = 64
"""Largest Hamming distance of near-identical pictures, of 256 bits.

On LC25000's lung tiles and phantoms, the nearest pair across splits differs in 82 bits (`train data
check`), while pairs of the same tissue filed under two groups differ in 18 to 44; 64 is halfway. It
applies to pictures rotated by right angles only: others must be separated by their groups.
"""
_ORIENTATIONS = (None, *Image.Transpose)
_BLOCK = 256
"""Pictures per block of comparisons, which bounds memory."""


@dataclass(frozen=True)
class NearPair:
    """Two near-identical pictures."""

    first: Tile
    """First picture."""
    second: Tile
    """Second picture."""
    distance: int
    """Hamming distance of the hashes, of 256 bits, in the best of eight orientations."""


def hash_picture(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Perceptual hashes of a picture in eight orientations, (8, 256)."""
    small = Image.fromarray(rgb).convert("L").resize((SIDE * 8, SIDE * 8), Image.Resampling.BOX)
    turned = (small if turn is None else small.transpose(turn) for turn in _ORIENTATIONS)
    return np.stack([imagehash.phash(picture, hash_size=SIDE).hash.ravel() for picture in turned])


def hash_tiles(
    tiles: Sequence[Tile], progress: Callable[[int], None] | None = None
) -> NDArray[np.bool_]:
    """Hashes of all tiles, (tiles, 8, 256); `progress` receives the number of further tiles."""
    hashes = np.zeros((len(tiles), len(_ORIENTATIONS), SIDE * SIDE), dtype=np.bool_)
    for index, tile in enumerate(tiles):
        hashes[index] = hash_picture(load_rgb(tile))
        if progress is not None:
            progress(1)
    return hashes


def find_pairs_across_splits(
    tiles: Sequence[Tile], hashes: NDArray[np.bool_], *, limit: int = NEAR_DISTANCE
) -> tuple[list[NearPair], int | None]:
    """Near-identical tiles of different splits, nearest first, and the next distance above.

    The second value is the smallest distance across splits above `limit`; None if there is no such
    pair.
    """
    splits = np.array([tile.split for tile in tiles])
    near: dict[tuple[int, int], int] = {}
    above = []
    for start, distances in _distances(hashes):
        apart = splits[start : start + len(distances), None] != splits[None]
        over = distances[apart & (distances > limit)]
        above += [int(over.min())] if over.size else []
        for row, column in np.argwhere(apart & (distances <= limit)):
            pair = (min(start + row, column), max(start + row, column))
            near[pair] = min(near.get(pair, SIDE * SIDE), int(distances[row, column]))
    ranked = sorted(near.items(), key=lambda item: item[1])
    pairs = [NearPair(tiles[i], tiles[j], distance) for (i, j), distance in ranked]
    return pairs, min(above, default=None)


def cluster_pictures(hashes: NDArray[np.bool_], *, limit: int = NEAR_DISTANCE) -> list[int]:
    """Cluster number of each picture; chains of near-identical pictures share one."""
    leader = list(range(len(hashes)))

    def root(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for start, distances in _distances(hashes):
        for row, column in np.argwhere(distances <= limit):
            first, second = sorted((root(start + int(row)), root(int(column))))
            leader[second] = first
    return [root(index) for index in range(len(hashes))]


def _distances(hashes: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Blocks of the distance table, (pictures of the block, all), each with its first row.

    One picture of each pair is rotated and mirrored, which finds copies in any orientation.
    """
    bits = hashes.astype(np.float32)
    ones = bits.sum(axis=2)  # (pictures, orientations)
    for start in range(0, len(bits), _BLOCK):
        upright = bits[start : start + _BLOCK, 0]
        best = np.full((len(upright), len(bits)), SIDE * SIDE, dtype=np.float32)
        for turn in range(bits.shape[1]):
            shared = upright @ bits[:, turn].T
            apart = upright.sum(axis=1)[:, None] + ones[None, :, turn] - 2 * shared
            np.minimum(best, apart, out=best)
        yield start, best.round().astype(np.int32)
