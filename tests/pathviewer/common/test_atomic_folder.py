"""A folder that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pathviewer.common.atomic_folder import FolderError, new_folder


def written(out: Path) -> None:
    with new_folder(out) as folder:
        (folder / "a.txt").write_text("a")


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_it_appears_whole(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "new" / "out", tmp_path / "empty"):
        written(out)
        assert (out / "a.txt").read_text() == "a"
    assert left(tmp_path) == {"new", "empty"}
    assert left(tmp_path / "new") == {"out"}


def full(out: Path) -> None:
    (out / "sub").mkdir(parents=True)


def a_file(out: Path) -> None:
    out.write_text("x")


def below_a_file(out: Path) -> None:
    out.parent.rmdir()
    out.parent.write_text("x")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (full, "The folder out is not empty; choose another --out."),
        (a_file, "There is a file named out already; choose another --out."),
        (below_a_file, "One of its parent folders is a file"),
    ],
)
def test_a_place_that_is_taken_is_told(
    tmp_path: Path, before: Callable[[Path], None], told: str
) -> None:
    (tmp_path / "there").mkdir()
    before(tmp_path / "there" / "out")
    with pytest.raises(FolderError, match=told):
        written(tmp_path / "there" / "out")


def test_what_came_in_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="is not empty"), new_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("mine")
        full(tmp_path / "out")
    assert left(tmp_path) == {"out"}
    assert left(tmp_path / "out") == {"sub"}


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "is read-only"),
        (errno.EIO, "The disk refuses"),
    ],
)
def test_a_disk_that_refuses_is_told(tmp_path: Path, number: int, told: str) -> None:
    with pytest.raises(FolderError, match=told), new_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("half")
        raise OSError(number, os.strerror(number))
    assert left(tmp_path) == set()


def test_nothing_of_a_mistake_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text(str(1 // 0))
    assert left(tmp_path) == set()


NARROW = """
import os, resource, sys
from pathlib import Path
from pathviewer.common.atomic_folder import FolderError
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from tests.pathviewer.export.made_labels import new_labels
state, out = map(Path, sys.argv[1:])
labels = new_labels(state)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    export(labels.database, labels.blobs, ExportPlan(FORMATS["sft"]), out)
except FolderError as error:
    print(error)
"""


TWO_SPLITS = """
import resource, sys
from pathlib import Path
from pathviewer.export.columns import Column
from pathviewer.export.parquet import SplitFiles
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with SplitFiles(Path(sys.argv[1]), [Column("question", "text", "")]) as files:
        for number in range(2000):
            files.add("test" if number % 2 else "train", {"question": str(number) * 9})
except OSError as error:
    print(error.errno)
"""


def test_every_file_is_closed_after_the_disk_refuses_one(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", TWO_SPLITS, tmp_path],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert (told.stdout, told.stderr) == (f"{errno.EFBIG}\n", "")


def test_an_export_that_the_disk_cuts_off_leaves_nothing(tmp_path: Path) -> None:
    """No file may become larger than 4 KiB in that process: the disk refuses in the midst."""
    from tests.pathviewer.export.made_labels import fill, new_labels

    labels = new_labels(tmp_path / "state")
    fill(labels, slides=2)
    labels.database.close()
    (tmp_path / "exports").mkdir()
    told = subprocess.run(
        [sys.executable, "-c", NARROW, tmp_path / "state", tmp_path / "exports" / "out"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert told.stdout == (
        "A file would exceed the file size limit: choose another --out. Nothing was written.\n"
    )
    assert told.stderr == ""
    assert left(tmp_path / "exports") == set()
