"""Pool of open slides: opened once for all concurrent requests, closed when idle."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pathviewer.settings import Settings
from pathviewer.slides import user_messages
from pathviewer.slides.disk_threads import DisksThreads
from pathviewer.slides.errors import SlideError, SlideGone
from pathviewer.slides.file_stamp import FileStamp, stamp_file
from pathviewer.slides.readers import tasks
from pathviewer.slides.readers.pool import ReaderPool, Urgency
from pathviewer.slides.readers.tasks import OpenRequest
from pathviewer.slides.served_slide import ServedSlide
from pathviewer.slides.tile_cache import TileCache

_MIB = 2**20

_MOST_OPEN = 64
"""Most slides open at once; each takes a few file descriptors."""

_MOST_INDEX_BYTES = 256 * 2**20
"""Memory for tile offsets of all open slides."""

_SWEEP_SECONDS = 5.0
"""Longest interval between checks for slides to close."""

_DISK_THREADS = 4
"""Threads for each slide folder that wait for its disk, to read raw tiles and open slides."""


@dataclass(frozen=True)
class SlideFile:
    """A slide's file."""

    id: str
    """Opaque id, as in URLs."""

    path: Path
    """The file that OpenSlide opens; never leaves the server."""

    name: str
    """The slide's name in messages."""

    folder: str = ""
    """Slide folder that contains it, which may hang; empty if that does not matter."""


@dataclass
class _Entry:
    slide: ServedSlide
    file: SlideFile
    stamp: FileStamp
    """Changes if another file replaces this one."""

    used: float
    """Time of the last request, on the monotonic clock."""

    checking: bool = False
    """Whether its file is being checked, which may take long."""


class SlidePool:
    """Open slides by id; thread-safe.

    Callers need not return slides: a slide that left the pool is closed with its last reference.
    """

    def __init__(
        self,
        locate: Callable[[str], SlideFile],
        settings: Settings,
        readers: ReaderPool | None = None,
    ) -> None:
        """Set `locate`, which finds the file of an id and raises SlideNotFound or SlideGone.

        The pool creates readers if none are given, and closes them either way.
        """
        self._locate = locate
        self._settings = settings
        self._idle_seconds = settings.open_slide_seconds
        self.readers = readers or ReaderPool(settings)
        self._cache = TileCache(settings.tile_cache_mib * _MIB)
        self._disks = DisksThreads(_DISK_THREADS, "slides")
        self._entries: dict[str, _Entry] = {}
        self._opening: dict[str, Future[ServedSlide]] = {}
        self._changing = threading.Lock()
        self._closed = threading.Event()
        self._sweeper: threading.Thread | None = None

    def peek(self, slide_id: str) -> ServedSlide | None:
        """Return the slide if it is open; never waits."""
        entry = self._entries.get(slide_id)
        if entry is None:
            return None
        entry.used = time.monotonic()
        return entry.slide

    def get(self, slide_id: str, requester: str = "") -> ServedSlide:
        """Return the slide, opened if necessary; blocks, so not for the event loop.

        Raises SlideNotFound, SlideGone, SlideUnopenable and the errors of `ReaderPool.submit`.
        """
        return self.peek(slide_id) or self._open_shared(slide_id, requester).result()

    async def open(self, slide_id: str, requester: str = "") -> ServedSlide:
        """Like `get`, for the event loop."""
        slide = self.peek(slide_id)
        if slide is not None:
            return slide
        # shielded: cancelling one caller must not affect the others
        return await asyncio.shield(asyncio.wrap_future(self._open_shared(slide_id, requester)))

    def close(self) -> None:
        """Close every slide, end the readers, and stop checking for idle slides.

        Waits for no disk.
        """
        self._closed.set()
        with self._changing:
            sweeper, self._sweeper = self._sweeper, None
            self._entries.clear()
        if sweeper is not None:
            sweeper.join()
        self.readers.close()
        self._disks.close()

    def _open_shared(self, slide_id: str, requester: str) -> Future[ServedSlide]:
        """Return the slide's future; concurrent callers share it."""
        with self._changing:
            entry, opening = self._entries.get(slide_id), self._opening.get(slide_id)
            if opening is None:
                opening = Future()
                if entry is not None:
                    opening.set_result(entry.slide)
                    return opening
                try:
                    file = self._locate(slide_id)
                    disk = self._disks.of(file.folder)
                    disk.submit(self._ask_reader, file, requester, opening)
                except Exception as error:  # noqa: BLE001  raised again by the callers that wait
                    opening.set_exception(error)
                else:
                    self._opening[slide_id] = opening
        return opening

    def _ask_reader(self, file: SlideFile, requester: str, opening: Future[ServedSlide]) -> None:
        """Tell a reader to open the slide, without blocking a thread meanwhile."""
        try:
            request = self._request(file)
            self.readers.check_allowed(file.path, file.name)
            reply = self.readers.submit(
                Urgency.view, requester, file.path, file.name, tasks.open_slide, request
            )
        except Exception as error:  # noqa: BLE001  raised again by the callers that wait
            self._settle(file.id, opening, error)
            return
        then = partial(self._take_index, file, request, opening)
        reply.add_done_callback(lambda done: self._after(file, then, done))

    def _after(
        self, file: SlideFile, then: Callable[[Future[Any]], None], done: Future[Any]
    ) -> None:
        """Continue in a thread that may wait for a disk, not in the readers' own thread."""
        try:
            self._disks.of(file.folder).submit(then, done)
        except RuntimeError:
            then(done)  # the program is ending

    def _take_index(
        self,
        file: SlideFile,
        request: OpenRequest,
        opening: Future[ServedSlide],
        reply: Future[Any],
    ) -> None:
        try:
            index, facts = reply.result()
            disk = self._disks.of(file.folder)
            slide = ServedSlide(request, index, facts, self.readers, self._cache, disk)
        except Exception as error:  # noqa: BLE001  raised again by the callers that wait
            self._settle(file.id, opening, error)
            return
        with self._changing:
            self._entries[file.id] = _Entry(slide, file, request.stamp, time.monotonic())
            self._make_room()
            if self._sweeper is None and not self._closed.is_set():
                self._sweeper = threading.Thread(target=self._sweep, name="slides", daemon=True)
                self._sweeper.start()
        self._settle(file.id, opening, slide)

    def _make_room(self) -> None:
        """Drop the least recently used slides, but not the one just opened."""
        by_use = sorted(self._entries, key=lambda key: self._entries[key].used)
        for slide_id in by_use[:-1]:
            index_bytes = sum(entry.slide.index_bytes for entry in self._entries.values())
            if len(self._entries) <= _MOST_OPEN and index_bytes <= _MOST_INDEX_BYTES:
                return
            del self._entries[slide_id]

    def _settle(
        self, slide_id: str, opening: Future[ServedSlide], result: ServedSlide | Exception
    ) -> None:
        with self._changing:
            self._opening.pop(slide_id, None)
        if isinstance(result, Exception):
            opening.set_exception(result)
        else:
            opening.set_result(result)

    def _request(self, file: SlideFile) -> OpenRequest:
        stamp = stamp_file(file.path)
        if stamp is None:
            raise SlideGone(user_messages.slide_file_gone(file.name))
        quality = self._settings.tile_quality
        return OpenRequest(file.path, file.name, stamp, quality, self._idle_seconds)

    def _sweep(self) -> None:
        while not self._closed.wait(min(self._idle_seconds / 2, _SWEEP_SECONDS)):
            self._drop_idle()

    def _drop_idle(self) -> None:
        oldest = time.monotonic() - self._idle_seconds
        for slide_id, entry in list(self._entries.items()):
            if entry.used < oldest:
                self._drop(slide_id, entry)
            elif not entry.checking and not self._closed.is_set():
                entry.checking = True
                with suppress(RuntimeError):  # the program is ending
                    self._disks.of(entry.file.folder).submit(self._check, slide_id, entry)

    def _check(self, slide_id: str, entry: _Entry) -> None:
        """Drop a slide whose file was replaced; waits for its disk."""
        if not self._is_current(slide_id, entry):
            self._drop(slide_id, entry)
        entry.checking = False

    def _drop(self, slide_id: str, entry: _Entry) -> None:
        with self._changing:
            if self._entries.get(slide_id) is entry:
                del self._entries[slide_id]

    def _is_current(self, slide_id: str, entry: _Entry) -> bool:
        """Return whether the id still refers to this file, and the file is unchanged."""
        try:
            return (
                self._locate(slide_id) == entry.file and stamp_file(entry.file.path) == entry.stamp
            )
        except SlideError:
            return False
