"""A library that watches its folders while files come and go."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pathviewer.slides import folder_watch
from pathviewer.slides.errors import SlideError
from pathviewer.slides.library import SlideLibrary
from pathviewer.slides.slide_facts import SlideFacts, read_facts
from storage.database import Database
from tests.library_app import scanned, write_slide


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the condition holds within the time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@contextmanager
def running(library: SlideLibrary) -> Iterator[SlideLibrary]:
    """The library while it watches its folders."""
    library.start()
    try:
        yield library
    finally:
        library.stop()


def test_files_that_come_and_go_are_noticed_without_a_restart(
    folder: Path, database: Database
) -> None:
    with running(SlideLibrary([folder], database)) as library:
        assert library.slides() == ()
        path = write_slide(folder / "new folder" / "a.tiff")
        assert eventually(lambda: len(library.slides()) == 1)
        path.unlink()
        assert eventually(lambda: len(library.slides()) == 0)


@pytest.mark.long
def test_a_folder_that_appears_later_is_read(folder: Path, database: Database) -> None:
    folder.rmdir()
    with running(SlideLibrary([folder], database)) as library:
        write_slide(folder / "a.tiff")
        assert eventually(lambda: len(library.slides()) == 1)
        shutil.rmtree(folder)
        missing = 2 * folder_watch.FALLBACK_SECONDS  # if it was away at the check after the scan
        assert eventually(lambda: len(library.slides()) == 0, missing)
        write_slide(folder / "a.tiff")
        assert eventually(lambda: len(library.slides()) == 1)


def test_the_library_stops_quickly_and_starts_again(folder: Path, database: Database) -> None:
    library = SlideLibrary([folder], database)
    with running(library):
        pass
    began = time.monotonic()
    with running(library):
        write_slide(folder / "a.tiff")
        assert eventually(lambda: len(library.slides()) == 1)
    assert time.monotonic() - began < 8
    assert "slide-library" not in {thread.name for thread in threading.enumerate()}


def test_a_folder_made_anew_with_the_same_inode_is_watched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [(folder, 1, 1)]  # file systems give the inode of what was removed to what is made
    monkeypatch.setattr(folder_watch, "present", lambda _calls, _folders: there)
    stop = threading.Event()
    notices: list[float] = []

    def listen() -> None:
        notices.extend(time.monotonic() for _ in folder_watch.watch_folders([folder], stop))

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        assert eventually(lambda: len(notices) == 1)
        shutil.rmtree(folder)
        folder.mkdir()
        assert eventually(lambda: len(notices) >= 2)
        time.sleep(2 * folder_watch.TICK_SECONDS)
        seen = len(notices)
        write_slide(folder / "a.tiff")
        assert eventually(lambda: len(notices) > seen)
    finally:
        stop.set()
        listener.join()


def test_a_missing_folder_that_was_seen_between_two_checks_is_looked_for_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "present", lambda _calls, _folders: [])
    monkeypatch.setattr(folder_watch, "FALLBACK_SECONDS", 1.0)
    stop = threading.Event()
    notices = folder_watch.watch_folders([folder], stop)
    began = time.monotonic()
    for _ in range(3):
        next(notices)
    stop.set()
    assert time.monotonic() - began < folder_watch.RESCAN_SECONDS / 2


def test_hidden_files_give_no_notice(folder: Path) -> None:
    stop = threading.Event()
    notices = folder_watch.watch_folders([folder], stop)
    next(notices)  # the one soon after the start
    (folder / ".parts").mkdir()
    (folder / ".parts" / "upload.part").touch()
    threading.Timer(1.5, stop.set).start()
    assert next(notices, "stopped") == "stopped"


def test_readers_never_see_half_a_change(folder: Path, database: Database) -> None:
    for number in range(4):
        write_slide(folder / f"{number}.tiff", number)
    library = scanned(folder, database=database)
    ids = {entry.id for entry in library.slides()}
    failures: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            if {entry.id for entry in library.slides()} != ids:
                failures.append("a slide was away")
            for slide_id in ids:
                library.locate(slide_id)
            time.sleep(0.001)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(10):
        (folder / f"{number % 4}.tiff").touch()
        library.rescan()
    stop.set()
    for reader in readers:
        reader.join()
    assert failures == []


def test_a_look_that_saw_half_a_file_does_not_undo_its_arrival(
    folder: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_slide(folder / "a.tiff")
    whole = path.read_bytes()
    path.write_bytes(whole[:2000])
    library = SlideLibrary([folder], database)

    def read(file: Path, name: str) -> SlideFacts:
        try:
            return read_facts(file, name)
        except SlideError:
            path.write_bytes(whole)
            assert library.add(path) is not None
            raise

    monkeypatch.setattr(library._intake._opener, "facts", read)
    library.rescan()
    entry = library.find_by_path(path)
    assert entry is not None
    assert library.slides() == (entry,)
    assert library.list_rejected() == ()
