"""A folder that does not answer keeps nobody waiting for long."""

from __future__ import annotations

import errno
import threading
import time
from pathlib import Path

import pytest

from pathviewer.slides.folder_timeout import FolderCalls, present
from pathviewer.slides.intake import Intake
from pathviewer.slides.slide_folders import SlideFolders
from storage.database import Database
from tests.library_app import write_slide

HERE, THERE = Path("/here"), Path("/there")


def test_a_folder_that_does_not_answer_is_away_at_once_until_it_does() -> None:
    calls, answers = FolderCalls(0.2), threading.Event()

    def hang() -> str:
        assert answers.wait(20)
        return "late"

    begun = calls.calls("look", {HERE: hang, THERE: lambda: "there"})
    assert begun[THERE]() == "there"
    with pytest.raises(OSError, match="timed out") as caught:
        begun[HERE]()
    assert caught.value.errno == errno.ETIMEDOUT
    patient = FolderCalls(20.0)
    with pytest.raises(ZeroDivisionError):
        patient.call("look", HERE, lambda: 1 // 0)
    started = time.monotonic()
    for _ in range(50):  # no further thread waits for it
        with pytest.raises(OSError, match="timed out"):
            calls.call("look", HERE, lambda: "not called")
    assert time.monotonic() - started < 5
    assert sum(each.name == "folder-look" for each in threading.enumerate()) == 1
    answers.set()
    until = time.monotonic() + 20
    while any(each.name == "folder-look" for each in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert calls.call("look", HERE, lambda: "not called") == "late"
    assert calls.call("look", HERE, lambda: "now") == "now"


def test_who_joins_a_call_waits_for_it_as_well() -> None:
    calls, answers = FolderCalls(60.0), threading.Event()
    first = calls.calls("path", {HERE: lambda: answers.wait(60)})
    second = calls.calls("path", {HERE: lambda: False})
    threading.Timer(0.2, answers.set).start()
    assert second[HERE]() is True
    assert first[HERE]() is True


def test_a_file_in_a_folders_place_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = present(FolderCalls(), [tmp_path / "file", tmp_path / "absent", tmp_path])
    assert [folder for folder, _, _ in found] == [tmp_path]


def test_a_folder_that_takes_long_is_read_in_the_end(folder: Path, database: Database) -> None:
    for number in range(20):
        write_slide(folder / f"{number}.tiff", number)
    folders = SlideFolders([folder], calls=FolderCalls(0.0))  # as slow as a large share
    intake = Intake(folders, database)
    until = time.monotonic() + 20
    while len(intake.list_slides()) < 20:
        assert time.monotonic() < until
        list(intake.scan(threading.Event()))


def test_slides_of_a_folder_that_was_away_are_there_again_without_being_opened(
    folder: Path, database: Database, tmp_path: Path
) -> None:
    write_slide(folder / "a.tiff", 1)
    write_slide(folder / "sub" / "b.tiff", 2)
    intake, never = Intake(SlideFolders([folder]), database), threading.Event()
    assert list(intake.scan(never)) == [None]
    before = {slide.id: slide for slide in intake.list_slides()}
    folder.rename(tmp_path / "away")
    assert list(intake.scan(never)) == []
    assert intake.list_slides() == []
    assert intake.away() == before.keys()
    (tmp_path / "away").rename(folder)
    assert list(intake.scan(never)) == []  # nothing was opened
    assert {slide.id: slide for slide in intake.list_slides()} == before
    assert intake.away() == frozenset()


def test_a_slide_that_changed_meanwhile_is_opened_again(
    folder: Path, database: Database, tmp_path: Path
) -> None:
    path = write_slide(folder / "a.tiff", 1)
    intake, never = Intake(SlideFolders([folder]), database), threading.Event()
    list(intake.scan(never))
    (before,) = intake.list_slides()
    folder.rename(tmp_path / "away")
    list(intake.scan(never))
    (tmp_path / "away").rename(folder)
    write_slide(path, 2)
    assert list(intake.scan(never)) == [None]
    (after,) = intake.list_slides()
    assert after.id != before.id  # another slide in the same place


def test_a_file_that_was_removed_is_not_remembered(folder: Path, database: Database) -> None:
    path = write_slide(folder / "a.tiff", 1)
    intake, never = Intake(SlideFolders([folder]), database), threading.Event()
    list(intake.scan(never))
    path.unlink()
    list(intake.scan(never))
    assert (intake.list_slides(), intake.away()) == ([], frozenset())
