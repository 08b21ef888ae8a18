"""A short-lived cache of credentials, so that tiles need no database query."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pathviewer.auth.identity import Identity

CachedIdentity = tuple[Identity, datetime | None]
"""Identity of a credential and its expiry (UTC); None: never expires."""

CACHE_SECONDS = 2.0
"""Lifetime of an entry, s; disabling an account elsewhere takes as long."""

MOST_ENTRIES = 4096
LONGEST_KEY = 4096


class IdentityCache:
    """A bounded cache of credentials; used from one event loop."""

    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[Identity, float]] = {}
        self._running: dict[bytes, asyncio.Task[Identity | None]] = {}
        self._generation = 0

    def get(self, key: bytes) -> Identity | None:
        """Return the cached identity; None if it must be looked up."""
        entry = self._entries.get(key)
        return entry[0] if entry is not None and time.monotonic() < entry[1] else None

    async def load(self, key: bytes, find: Callable[[], CachedIdentity | None]) -> Identity | None:
        """Return the identity from `find`, run in a thread once for all concurrent callers of a
        key."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(self._find(key, find))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(task)

    def clear(self) -> None:
        """Clear the cache, including lookups in progress."""
        self._entries.clear()
        self._running.clear()
        self._generation += 1

    async def _find(self, key: bytes, find: Callable[[], CachedIdentity | None]) -> Identity | None:
        generation = self._generation
        entry = await asyncio.to_thread(find)
        if entry is None:
            return None
        identity, ends = entry
        if generation == self._generation and len(key) <= LONGEST_KEY:
            if len(self._entries) >= MOST_ENTRIES:
                self._entries.clear()
            self._entries[key] = (identity, time.monotonic() + _cache_seconds(ends))
        return identity


def _cache_seconds(ends: datetime | None) -> float:
    if ends is None:
        return CACHE_SECONDS
    return min(CACHE_SECONDS, (ends - datetime.now(UTC)).total_seconds())
