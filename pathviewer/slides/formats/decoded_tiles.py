"""Cache of tiles decoded in this process, and their conversion to 8 bits."""

from __future__ import annotations

import itertools
import threading

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

_MOST_BYTES = 96 * 2**20
"""Most bytes of decoded tiles and strips in a process, for all open files."""

_known: LRUCache[tuple[int, int, int], NDArray[np.uint8]] = LRUCache(
    _MOST_BYTES, getsizeof=lambda pixels: pixels.nbytes
)
_lock = threading.Lock()
_numbers = itertools.count()


class DecodedTiles:
    """Decoded tiles of one open file; thread-safe."""

    def __init__(self) -> None:
        self._number = next(_numbers)

    def get(self, level: int, index: int) -> NDArray[np.uint8] | None:
        """Return a cached tile, `None` if it is no longer cached."""
        with _lock:
            return _known.get((self._number, level, index))

    def put(self, level: int, index: int, pixels: NDArray[np.uint8]) -> None:
        """Cache a tile."""
        if pixels.nbytes <= _MOST_BYTES:
            with _lock:
                _known[self._number, level, index] = pixels


def reduce_bits(samples: NDArray[np.generic], bits: int) -> NDArray[np.uint8]:
    """Reduce values of `bits` used bits to their highest 8; larger values become 255."""
    if samples.dtype == np.uint8:
        return samples.astype(np.uint8, copy=False)
    high = np.right_shift(samples.astype(np.uint16, copy=False), max(0, bits - 8))
    return np.minimum(high, 255).astype(np.uint8)
