"""Intake of slides: opens new and changed files and registers them."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from pathviewer.slides import user_messages
from pathviewer.slides.companion_files import companion_fault
from pathviewer.slides.disk_threads import DiskThreads
from pathviewer.slides.errors import SlideError
from pathviewer.slides.folder_scan import Stamp
from pathviewer.slides.intake_opener import DirectOpener, Opener
from pathviewer.slides.slide_facts import SlideFacts
from pathviewer.slides.slide_folders import FoundSlide, Place, RejectedFile, SlideFolders
from storage.database import Database
from storage.slides.store import SlideRecord, list_slide_records, register_slide

OPENERS = 4
"""Slides opened at once; opening mostly waits for the disk."""

BATCH = 32
"""Slides registered in one transaction, and published together during a scan."""

PATIENCE_SECONDS = 1.0
"""Time after which opened slides are registered without waiting for the others."""

FIRST_RETRY_SECONDS = 50.0
"""Time until a file that could not be opened is retried; it doubles after each failure.

The first retry is at the next scan without a notice, a minute later: a network may have failed.
"""

LONGEST_RETRY_SECONDS = 3600.0
"""Longest time between retries."""


@dataclass(frozen=True)
class ListedSlide:
    """An opened and registered slide."""

    id: str
    """Id in the database."""

    paths: tuple[Path, ...]
    """Files that open as this slide; the first one is opened."""

    stamp: Stamp
    """Stamp of its files when it was opened."""

    facts: SlideFacts
    """Facts when it was opened."""

    folder: str
    """Slide folder that contains it."""


@dataclass(frozen=True)
class _Setback:
    """A file that could not be opened."""

    file: RejectedFile
    wait: float
    """Seconds from the failure to the next try."""

    until: float
    """Time of the next try, by the clock."""


class Intake:
    """List of slides; thread-safe, except that `scan` must not run concurrently."""

    def __init__(
        self,
        folders: SlideFolders,
        database: Database,
        clock: Callable[[], float] = time.monotonic,
        opener: Opener | None = None,
    ) -> None:
        """Set a `clock` in seconds, and the `opener` of slides, by default in this process."""
        self._opener = opener or DirectOpener()
        self._folders = folders
        self._database = database
        self._clock = clock
        self._changing = threading.Lock()
        self._listed: dict[Place, ListedSlide] = {}
        self._remembered: dict[Place, ListedSlide] = {}  # in unavailable folders
        self._rejected: list[RejectedFile] = []
        self._setbacks: dict[tuple[Place, Stamp], _Setback] = {}
        self._arrived: set[Place] = set()
        self._hung: set[str] = set()  # folders that did not answer in this scan

    def list_slides(self) -> list[ListedSlide]:
        """Return slides of the last scan and of the current one so far."""
        return list(self._listed.values())

    def away(self) -> frozenset[str]:
        """Return ids of slides that cannot be read now but may still exist."""
        return frozenset(slide.id for slide in self._remembered.values())

    def list_rejected(self) -> tuple[RejectedFile, ...]:
        """Return rejected files of the last scan and of the current one so far."""
        return (*self._rejected, *(setback.file for setback in self._setbacks.values()))

    def scan(self, stopping: threading.Event) -> Iterator[None]:
        """Scan the folders; yields after slides were registered.

        A file is opened again only after it changed, or after a while if it could not be opened.
        Raises StorageError.
        """
        with self._changing:
            self._arrived = set()
        records = self._records()
        look = self._folders.survey_all(_places(records))
        look = replace(look, slides=self._name_uploads(look.slides, records))
        self._rejected = look.rejected
        self._forget(look.slides, look.away)
        self._recall(look.slides, records)
        missing = self._find_missing(records, look.slides, look.away)
        fresh = [one for one in look.slides if self._is_news(one)]
        self._hung = set()
        openers = DiskThreads(OPENERS, "slide-opener")
        for start in range(0, len(fresh), BATCH):
            opening = {openers.submit(self._open, one): one for one in fresh[start : start + BATCH]}
            while opening and not stopping.is_set():
                # open slides are published while another one takes long
                done, _ = wait(opening, PATIENCE_SECONDS)
                # in file order, which determines their numbers
                ready = [future for future in opening if future in done]
                batch = [(opening.pop(future), future.result()) for future in ready]
                if batch:
                    with self._changing:
                        self._register(batch, missing)
                    yield
            for future in opening:
                future.cancel()

    def register_file(self, path: Path) -> None:
        """Register one file without scanning the others, even during a scan.

        Raises StorageError or OSError.
        """
        records = self._records()
        slide = self._folders.survey_file(path, _places(records))
        if slide is None:
            return
        result = self._open(slide)
        quickhash = result.quickhash if isinstance(result, SlideFacts) else None
        equal = [record for record in records if quickhash and record.quickhash == quickhash]
        missing = self._find_missing(equal, [slide], self._folders.away()) if equal else set()
        with self._changing:
            self._register([(slide, result)], missing)
            self._arrived.add(slide.place)

    def _open(self, slide: FoundSlide) -> SlideFacts | RejectedFile:
        try:
            fault = self._companion_fault(slide)
            if fault is not None:
                return RejectedFile(slide.label, user_messages.file_fault(slide.label, fault))
            return self._opener.facts(slide.paths[0], slide.label)
        except SlideError as error:
            files = slide.paths if slide.candidate.instances else ()
            if not self._opener.hold_one_export(files):
                return RejectedFile(
                    slide.label, user_messages.file_fault(slide.label, user_messages.EXPORTED_TWICE)
                )
            return RejectedFile(slide.label, str(error))
        except OSError as error:
            fault = user_messages.file_unreadable(error.strerror)
            return RejectedFile(slide.label, user_messages.file_fault(slide.label, fault))

    def _name_uploads(
        self, slides: Sequence[FoundSlide], records: Sequence[SlideRecord]
    ) -> list[FoundSlide]:
        """Give uploaded slides, whose files have opaque names, the senders' names in messages."""
        names = {Place(one.folder, one.relative_path): one.file_name for one in records}
        if not self._folders.show_file_names:
            names = {}
        return [replace(one, label=names.get(one.place) or one.label) for one in slides]

    def _companion_fault(self, slide: FoundSlide) -> str | None:
        """Like `companion_fault`; once a folder hangs, raise OSError for all its files."""
        folder = Path(slide.place.folder)
        if slide.place.folder in self._hung:
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        work = partial(companion_fault, slide.paths[0], folder)
        try:
            # a purpose for each file: a late result must not go to another file
            return self._folders.calls.call(f"companions of {slide.paths[0]}", folder, work)
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:
                self._hung.add(slide.place.folder)
            raise

    def _find_gone(self, places: Collection[Place]) -> set[Place]:
        """Return the places that certainly have no file; none in a folder that hangs."""
        by_folder: dict[Path, set[Place]] = {}
        for place in places:
            by_folder.setdefault(Path(place.folder), set()).add(place)
        works: dict[Path, Callable[[], set[Place]]] = {
            folder: partial(_without_file, frozenset(each)) for folder, each in by_folder.items()
        }
        gone_places: set[Place] = set()
        for result in self._folders.calls.calls("gone", works).values():
            with suppress(OSError):
                gone_places |= result()
        return gone_places & set(places)

    def _find_missing(
        self, records: Sequence[SlideRecord], slides: Sequence[FoundSlide], away: Collection[str]
    ) -> set[str]:
        """Return ids of slides whose file has disappeared, so that an equal file is the same slide.

        Slides in an unavailable folder are excluded: it may only be disconnected.
        """
        present_places = {one.place for one in slides}
        paths = {one.paths[0] for one in slides}
        places = {record.id: Place(record.folder, record.relative_path) for record in records}
        absent = {
            slide_id: place
            for slide_id, place in places.items()
            if place not in present_places and place.folder not in away
        }
        gone = self._find_gone([place for place in absent.values() if place.path not in paths])
        return {
            slide_id for slide_id, place in absent.items() if place.path in paths or place in gone
        }

    def _records(self) -> list[SlideRecord]:
        with self._database.read_only() as session:
            return list_slide_records(session)

    def _forget(self, slides: Sequence[FoundSlide], away: Collection[str]) -> None:
        """Drop slides that no longer exist; a changed slide stays until it is opened again.

        Slides that may only be disconnected are remembered, so that they can be listed at once
        later.
        """
        states = {(one.place, one.candidate.stamp) for one in slides}
        there = {one.place for one in slides}
        gone = self._find_gone(
            [
                place
                for place in (self._remembered | self._listed)
                if place not in there and place.folder not in away
            ]
        )
        with self._changing:
            # files registered during the scan may be newer than its view of their folder
            places = {one.place for one in slides} | self._arrived
            absent = {p: slide for p, slide in self._listed.items() if p not in places}
            self._remembered = {
                place: slide
                for place, slide in (self._remembered | absent).items()
                if place not in gone
            }
            self._listed = {p: slide for p, slide in self._listed.items() if p in places}
            self._setbacks = {k: setback for k, setback in self._setbacks.items() if k in states}

    def _recall(self, slides: Sequence[FoundSlide], records: Sequence[SlideRecord]) -> None:
        """List slides that are available again and unchanged, without opening them."""
        ids = {Place(record.folder, record.relative_path): record.id for record in records}
        with self._changing:
            back = {}
            for one in slides:
                slide = self._remembered.pop(one.place, None)
                if slide is not None and ids.get(one.place) == slide.id:
                    back[one.place] = slide
            self._listed = self._listed | back

    def _is_news(self, slide: FoundSlide) -> bool:
        setback = self._setbacks.get((slide.place, slide.candidate.stamp))
        if setback is not None:
            return self._clock() >= setback.until
        listed = self._listed.get(slide.place)
        return (
            listed is None or listed.stamp != slide.candidate.stamp or listed.paths != slide.paths
        )

    def _register(
        self,
        batch: Sequence[tuple[FoundSlide, SlideFacts | RejectedFile]],
        missing: set[str],
    ) -> None:
        """Register a batch in the database and lists; remove reused ids from `missing`."""
        listed, setbacks = {}, {}
        with self._database.session() as session:
            for one, result in batch:
                later = self._later(one)
                if later is not None:
                    missing.discard(later.id)
                elif isinstance(result, RejectedFile):
                    setbacks[one.place, one.candidate.stamp] = self._setback(one, result)
                else:
                    listed[one.place] = _register_slide(session, one, result, missing)
        # copies, so that other threads never see a dictionary change
        broken = {place for place, _ in setbacks}
        unbroken = {place: slide for place, slide in self._listed.items() if place not in broken}
        mended = {key: file for key, file in self._setbacks.items() if key[0] not in listed}
        self._listed = unbroken | listed
        self._setbacks = mended | setbacks

    def _later(self, slide: FoundSlide) -> ListedSlide | None:
        """Return the slide if it was registered after this scan saw its file."""
        listed = self._listed.get(slide.place)
        if listed is None or slide.place not in self._arrived:
            return None
        # equal counts too: a file system's clock may stand still for some milliseconds
        return listed if listed.stamp.changed_ns >= slide.candidate.stamp.changed_ns else None

    def _setback(self, slide: FoundSlide, file: RejectedFile) -> _Setback:
        last = self._setbacks.get((slide.place, slide.candidate.stamp))
        wait = FIRST_RETRY_SECONDS if last is None else min(2 * last.wait, LONGEST_RETRY_SECONDS)
        return _Setback(file, wait, self._clock() + wait)


def _places(records: Sequence[SlideRecord]) -> Collection[Place]:
    return {Place(record.folder, record.relative_path) for record in records}


def _without_file(places: Collection[Place]) -> set[Place]:
    return {place for place in places if _is_gone(place.path)}


def _is_gone(path: Path) -> bool:
    """Return whether the file is certainly missing; False if its folder fails."""
    try:
        return not path.exists()
    except OSError:
        return False


def _register_slide(
    session: Session, slide: FoundSlide, facts: SlideFacts, missing: set[str]
) -> ListedSlide:
    record = register_slide(
        session,
        folder=slide.place.folder,
        relative_path=slide.place.relative_path,
        quickhash=facts.quickhash,
        missing_ids=missing,
        alias=slide.alias,
        instances=slide.candidate.instances,
    )
    missing.discard(record.id)
    return ListedSlide(record.id, slide.paths, slide.candidate.stamp, facts, slide.place.folder)
