"""Listeners of a run: event loops wait for what other threads publish."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import anyio


class Listener:
    """A place to wait in the event loop that created it, until another thread wakes it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the current or the next wait, from any thread."""
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            self._loop.call_soon_threadsafe(self._woken.set)

    async def wait(self, seconds: float | None = None) -> None:
        """Return after a wake since the last return, at the latest after `seconds`; None: no limit.

        What was published before the wake can be read after the return.
        """
        with anyio.move_on_after(seconds):
            await self._woken.wait()
        self._woken.clear()


class Listeners:
    """The listeners of one run; thread-safe."""

    def __init__(self) -> None:
        self._listeners: frozenset[Listener] = frozenset()  # replaced, so that wake needs no lock
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._listeners)

    @contextmanager
    def register(self) -> Iterator[Listener]:
        """Provide a listener of the running event loop for the duration of the block.

        Read only inside the block: everything published later wakes the listener.
        """
        listener = Listener()
        with self._lock:
            self._listeners |= {listener}
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners -= {listener}

    def wake(self) -> None:
        """Wake all; call it after the change that they wait for."""
        for listener in self._listeners:
            listener.wake()
