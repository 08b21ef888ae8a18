"""Locks by name, each there for as long as somebody holds it or waits for it."""

from __future__ import annotations

import threading
from weakref import WeakValueDictionary


class KeyedLocks:
    """One lock for each name, so that strangers never wait for each other."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    def get_lock(self, name: str) -> threading.Lock:
        """The lock of this name; keep a reference to it for as long as it matters."""
        with self._changing:
            return self._locks.setdefault(name, threading.Lock())

    def __len__(self) -> int:
        """Locks that somebody holds or waits for."""
        return len(self._locks)
