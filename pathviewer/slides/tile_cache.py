"""Encoded tiles kept in bounded memory, each made once however many ask for it."""

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
    """A complete JPEG stream; one at the right or bottom edge may go on beyond the level."""

    source: Literal["raw", "transcoded"]
    """Whether it is the file's own, or was decoded and encoded anew."""

    damaged: bool = False
    """Whether a part of it is grey stripes, because that could not be read this time."""


class TileCache:
    """Encoded tiles by key; those used least recently go first. Safe between threads.

    Damaged tiles are not kept: what could not be read may be readable the next time.
    """

    def __init__(self, max_bytes: int) -> None:
        """Keep at most `max_bytes` of tiles."""
        self._lock = threading.Lock()
        self._tiles: LRUCache[Hashable, Tile] = LRUCache(max_bytes, lambda tile: len(tile.jpeg))
        self._flights: dict[Hashable, Future[Tile]] = {}

    @property
    def size(self) -> int:
        """Bytes held."""
        return int(self._tiles.currsize)

    def get(self, key: Hashable) -> Tile | None:
        """The tile if it is held."""
        with self._lock:
            return self._tiles.get(key)

    def clear(self) -> None:
        """Hold nothing any more."""
        with self._lock:
            self._tiles.clear()

    def put(self, key: Hashable, tile: Tile) -> None:
        """Hold a tile, unless it is damaged or larger than the cache."""
        with self._lock:
            if not tile.damaged and len(tile.jpeg) <= self._tiles.maxsize:
                self._tiles[key] = tile

    def get_or_make(self, key: Hashable, make: Callable[[], Tile]) -> Tile:
        """The tile, made by `make` if it is not held; what `make` raises reaches all who wait."""
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
            # the error refers to this frame: without this they would keep each other alive
            del flight
