"""A slide folder that hangs: the others go on, and the program can end.

Opening a pipe that nobody writes to waits, as a file on a dead share does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PosixPath
from typing import Any

import pytest

from pathviewer.settings import Settings
from pathviewer.slides.disk_threads import DisksThreads, DiskThreads
from pathviewer.slides.errors import SlideError
from pathviewer.slides.folder_timeout import FolderCalls
from pathviewer.slides.intake import Intake
from pathviewer.slides.slide_folders import SlideFolders
from pathviewer.slides.slide_pool import SlideFile, SlidePool
from storage.database import Database
from tests import slide_files

PATIENCE = 30.0


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """A file that whoever opens it waits for, until the end of the test."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    yield path
    # opened for both ends, it lets all who wait go on
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


def open_file(path: Path) -> None:
    """Wait for the file."""
    path.open("rb").close()


class HungPath(PosixPath):
    """A file on a dead share: whatever is asked of it waits."""

    def stat(self, **_: Any) -> os.stat_result:
        """Never answers."""
        open_file(Path(self.parent.parent, "pipe"))
        return super().stat()


def test_a_disk_that_hangs_takes_no_thread_of_another(pipe: Path) -> None:
    threads = DisksThreads(2, "test")
    hung = [threads.of("share").submit(open_file, pipe) for _ in range(20)]
    assert threads.of("own").submit(lambda: "done").result(PATIENCE) == "done"
    assert not any(each.done() for each in hung)
    threads.close()
    with pytest.raises(RuntimeError):
        threads.of("own").submit(open_file, pipe)
    with pytest.raises(RuntimeError):
        threads.of("a new one").submit(open_file, pipe)


def test_work_has_results_errors_and_may_be_cancelled(pipe: Path) -> None:
    threads = DiskThreads(1, "test")
    assert list(threads.map(abs, [-1, 2, -3])) == [1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 1, 0).result(PATIENCE)
    threads.submit(open_file, pipe)
    assert threads.submit(abs, 1).cancel()


def test_slides_open_while_another_folder_hangs(pipe: Path, tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "a.tiff")

    def locate(slide_id: str) -> SlideFile:
        if slide_id == "a":
            return SlideFile("a", path, "Slide a", "own")
        return SlideFile(slide_id, HungPath(pipe.parent, "share", slide_id), "Slide 2", "share")

    pool = SlidePool(locate, Settings(data=tmp_path / "state"))

    def ask(slide_id: str) -> None:
        with suppress(SlideError):  # at the end of the test
            pool.get(slide_id)

    asked = [
        threading.Thread(target=ask, args=(f"hung {number}",), daemon=True) for number in range(20)
    ]
    for each in asked:
        each.start()
    opened = []
    own = threading.Thread(target=lambda: opened.append(pool.get("a").levels), daemon=True)
    own.start()
    own.join(PATIENCE)
    assert opened
    ending = threading.Thread(target=pool.close, daemon=True)
    ending.start()
    ending.join(PATIENCE)
    assert not ending.is_alive()


def test_a_file_that_hangs_is_rejected(folder: Path, database: Database) -> None:
    folders = SlideFolders([folder], calls=FolderCalls(0.5))
    intake = Intake(folders, database)
    os.mkfifo(folder / "a.tiff")
    try:
        taking_in = threading.Thread(
            target=intake.register_file, args=(folder / "a.tiff",), daemon=True
        )
        taking_in.start()
        taking_in.join(PATIENCE)
        assert not taking_in.is_alive()
        (rejected,) = intake.list_rejected()
        assert "cannot be read: Connection timed out" in rejected.reason
    finally:
        os.close(os.open(folder / "a.tiff", os.O_RDWR | os.O_NONBLOCK))


PROGRAM = """
import sys, time
from pathlib import Path
from pathviewer.slides.library import SlideLibrary
from pathviewer.slides.intake_opener import DirectOpener
from tests.databases import new_database

class Hanging(DirectOpener):
    def facts(self, path, name, requester=""):
        if path.name == "hangs.tiff":
            open(folder.parent / "pipe")
        return super().facts(path, name, requester)

folder = Path(sys.argv[1])
database = new_database(f"sqlite:///{folder.parent / 'state' / 'new.sqlite3'}")
library = SlideLibrary([folder], database, opener=Hanging())
library.start()
while not library.slides():
    time.sleep(0.05)
library.stop()
print(len(library.slides()))
"""


def test_the_program_ends_while_a_file_hangs(folder: Path, pipe: Path) -> None:
    assert pipe.parent == folder.parent
    for name in ("a.tiff", "hangs.tiff"):
        slide_files.write_ycbcr(folder / name)
    (folder.parent / "state").mkdir(exist_ok=True)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder],
        capture_output=True,
        text=True,
        check=True,
        timeout=2 * PATIENCE,
    )
    assert ended.stdout.strip() == "1"
