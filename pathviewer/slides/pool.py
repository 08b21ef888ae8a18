"""Slides that are open now: opened once however many ask, closed when nobody does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pathviewer.settings import Settings
from pathviewer.slides.errors import SlideError
from pathviewer.slides.slide import Slide
from pathviewer.slides.tile_cache import TileCache
from pathviewer.slides.tiles import TileSource

_MIB = 2**20

_MOST_OPEN = 64
"""Slides held open at once; each takes a few file descriptors."""

_SWEEP_SECONDS = 5.0
"""Longest time between two looks for slides to close."""

_LOCKS = 64


@dataclass(frozen=True)
class SlideFile:
    """Where a slide lies."""

    id: str
    """Opaque id, as in addresses."""

    path: Path
    """The file that OpenSlide opens; never leaves the server."""

    name: str
    """What messages call the slide."""


@dataclass
class _Entry:
    source: TileSource
    file: SlideFile
    stamp: tuple[int, ...] | None
    """What changes when another file takes this one's place."""

    used: float
    """When it was last asked for, on the monotonic clock."""


class SlidePool:
    """Open slides by id; safe between threads.

    A slide that left the pool stays open for those who still hold it, so nobody has to give
    anything back: the file is closed with the last reference.
    """

    def __init__(self, locate: Callable[[str], SlideFile], settings: Settings) -> None:
        """`locate` finds the file of an id; it raises SlideNotFound or SlideGone."""
        self._locate = locate
        self._idle_seconds = settings.open_slide_seconds
        self._quality = settings.tile_quality
        self._cache = TileCache(settings.tile_cache_mib * _MIB)
        self._entries: dict[str, _Entry] = {}
        self._opening = tuple(threading.Lock() for _ in range(_LOCKS))
        self._changing = threading.Lock()
        self._closed = threading.Event()
        self._sweeper: threading.Thread | None = None

    def peek(self, slide_id: str) -> TileSource | None:
        """The slide if it is open already; never waits."""
        entry = self._entries.get(slide_id)
        if entry is None:
            return None
        entry.used = time.monotonic()
        return entry.source

    def get(self, slide_id: str) -> TileSource:
        """The slide, opened if need be.

        Raises SlideNotFound, SlideGone or SlideUnopenable.
        """
        source = self.peek(slide_id)
        if source is not None:
            return source
        with self._opening[hash(slide_id) % _LOCKS]:
            source = self.peek(slide_id)
            return self._open(slide_id) if source is None else source

    def close(self) -> None:
        """Let go of every slide, and stop looking for idle ones."""
        self._closed.set()
        with self._changing:
            sweeper, self._sweeper = self._sweeper, None
            self._entries.clear()
        if sweeper is not None:
            sweeper.join()

    def _open(self, slide_id: str) -> TileSource:
        file = self._locate(slide_id)
        stamp = _stamp(file)
        source = TileSource(Slide(file.path, file.name), self._quality, self._cache)
        with self._changing:
            self._entries[slide_id] = _Entry(source, file, stamp, time.monotonic())
            while len(self._entries) > _MOST_OPEN:
                del self._entries[min(self._entries, key=lambda key: self._entries[key].used)]
            if self._sweeper is None:
                self._closed.clear()
                self._sweeper = threading.Thread(target=self._sweep, name="slides", daemon=True)
                self._sweeper.start()
        return source

    def _sweep(self) -> None:
        while not self._closed.wait(min(self._idle_seconds / 2, _SWEEP_SECONDS)):
            self._drop_idle()

    def _drop_idle(self) -> None:
        oldest = time.monotonic() - self._idle_seconds
        for slide_id, entry in list(self._entries.items()):
            if entry.used < oldest or not self._is_current(slide_id, entry):
                with self._changing:
                    self._entries.pop(slide_id, None)

    def _is_current(self, slide_id: str, entry: _Entry) -> bool:
        """Whether the id still means this file, and the file is still the one opened."""
        try:
            return self._locate(slide_id) == entry.file and _stamp(entry.file) == entry.stamp
        except SlideError:
            return False


def _stamp(file: SlideFile) -> tuple[int, ...] | None:
    try:
        status = file.path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
