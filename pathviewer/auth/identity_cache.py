"""Remembering for a moment whose a credential is, so that not every tile asks the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pathviewer.auth.identity import Identity

CachedIdentity = tuple[Identity, datetime | None]
"""Whose a credential is, and when it ends (UTC); None for never."""

CACHE_SECONDS = 2.0
"""For how long at most an answer is believed; disabling an account elsewhere takes as long."""

MOST_ENTRIES = 4096
LONGEST_KEY = 4096


class IdentityCache:
    """A bounded memory of credentials; used from one event loop."""

    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[Identity, float]] = {}
        self._running: dict[bytes, asyncio.Task[Identity | None]] = {}
        self._generation = 0

    def get(self, key: bytes) -> Identity | None:
        """Whose it is; None if that has to be looked up."""
        entry = self._entries.get(key)
        return entry[0] if entry is not None and time.monotonic() < entry[1] else None

    async def load(self, key: bytes, find: Callable[[], CachedIdentity | None]) -> Identity | None:
        """Whose it is, `find` being asked in a thread, once for all who wait for the same key."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(self._find(key, find))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(task)

    def clear(self) -> None:
        """Forget everything, answers under way included."""
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
