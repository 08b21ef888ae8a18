"""Locks by name, which exist while they are held or awaited."""

from __future__ import annotations

import threading
from weakref import WeakValueDictionary


class KeyedLocks:
    """One lock for each name; different names never block each other."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    def get_lock(self, name: str) -> threading.Lock:
        """Return the lock of a name; keep a reference to it while it is in use."""
        with self._changing:
            return self._locks.setdefault(name, threading.Lock())

    def __len__(self) -> int:
        """Number of locks that are held or awaited."""
        return len(self._locks)
