"""Tile cache with bounded memory; concurrent requests for a tile share one computation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from cachetools import LRUCache


@dataclass(frozen=True)
class Tile:
    """One tile, ready for a browser."""

    jpeg: bytes | bytearray
    """A complete JPEG stream; at the right or bottom edge it may extend beyond the level."""

    source: Literal["raw", "transcoded"]
    """Whether the tile is the file's own, or was decoded and encoded again."""

    damaged: bool = False
    """Whether a part was unreadable and is grey stripes."""


class TileCache:
    """Encoded tiles by key; evicts the least recently used. Thread-safe.

    Damaged tiles are not cached, because they may be readable the next time.
    """

    def __init__(self, max_bytes: int) -> None:
        self._lock = threading.Lock()
        self._tiles: LRUCache[Hashable, Tile] = LRUCache(max_bytes, lambda tile: len(tile.jpeg))
        self._flights: dict[Hashable, Future[Tile]] = {}

    @property
    def size(self) -> int:
        """Bytes in the cache."""
        return int(self._tiles.currsize)

    def get(self, key: Hashable) -> Tile | None:
        """Return the tile if it is cached."""
        with self._lock:
            return self._tiles.get(key)

    def clear(self) -> None:
        """Remove all tiles."""
        with self._lock:
            self._tiles.clear()

    def put(self, key: Hashable, tile: Tile) -> None:
        """Cache a tile, unless it is damaged or larger than the cache."""
        with self._lock:
            if not tile.damaged and len(tile.jpeg) <= self._tiles.maxsize:
                self._tiles[key] = tile

    def get_or_make(self, key: Hashable, make: Callable[[], Tile]) -> Tile:
        """Return the tile, made by `make` if not cached; an error of `make` reaches all callers."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                return tile
            flight = self._flights.get(key)
            if flight is None:
                own_flight = self._flights[key] = Future()
        return self._lead(key, own_flight, make) if flight is None else flight.result()

    def _lead(self, key: Hashable, flight: Future[Tile], make: Callable[[], Tile]) -> Tile:
        try:
            tile = make()
        except BaseException as error:
            flight.set_exception(error)
            raise
        else:
            flight.set_result(tile)
            self.put(key, tile)
            return tile
        finally:
            with self._lock:
                del self._flights[key]
            # the error refers to this frame; this breaks the reference cycle
            del flight
