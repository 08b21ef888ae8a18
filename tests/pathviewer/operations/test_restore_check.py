"""`restore --check`: what it says of a good backup, and at which check a bad one fails."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from multiprocessing import util
from pathlib import Path

import pytest

from pathviewer.commands.main import app
from pathviewer.operations.backup import back_up, file_hash, read_manifest
from pathviewer.settings import Settings
from tests.commands import Called, called
from tests.hostile_slides import write_endless
from tests.pathviewer.export.made_labels import fill, new_labels


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Path:
    """A backup with labels and an uploaded slide; not to be changed."""
    folder = tmp_path_factory.mktemp("backup")
    settings = Settings(data=folder / "state")
    labels = new_labels(settings.data)
    fill(labels, slides=3)
    labels.database.close()
    settings.uploads.mkdir()
    shutil.copyfile(small_phantom, settings.uploads / "case.tiff")
    back_up(settings, folder / "backup", uploads=True)
    return folder / "backup"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the command is given, with a database in use; and a TMPDIR."""
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PATHVIEWER_READER_SECONDS", "2")
    (tmp_path / "temporary").mkdir()
    util.get_temp_dir()  # readers of this process listen there, also after this test
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    new_labels(tmp_path / "data").database.close()
    return tmp_path / "data"


def check(folder: Path) -> Called:
    """The command, as a person calls it."""
    return called(app, "restore", folder, "--check")


def test_a_good_backup_passes_every_check(backup: Path, data: Path) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    done = check(backup)
    assert done.code == 0, done
    sentences = done.stdout.splitlines()
    assert sentences[-1] == "This backup can be restored."
    assert "files and 1 files of uploaded slides are present with" in done.stdout
    rows = read_manifest(backup)["rows"]
    assert rows["questions"] == 3
    assert f"{sum(rows.values())} rows of {len(rows)} tables" in done.stdout
    assert "1 uploaded slides are in it" in done.stdout
    assert len(sentences) == 6
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    assert not list((data.parent / "temporary").glob("pathviewer-*"))


def with_manifest(folder: Path, **changes: object) -> None:
    """Change what the manifest says."""
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def damage_database(folder: Path) -> None:
    with (folder / "pathviewer.sqlite3").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff" * 100)


def empty_table(folder: Path) -> None:
    """As if a backup had lost rows before its hash was taken."""
    path = folder / "pathviewer.sqlite3"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE extra (id INTEGER)")
    database.commit()
    database.close()
    with_manifest(
        folder, database=file_hash(path), rows=read_manifest(folder)["rows"] | {"extra": 2}
    )


def set_revision(folder: Path, revision: str) -> None:
    path = folder / "pathviewer.sqlite3"
    database = sqlite3.connect(path)
    database.execute("UPDATE alembic_version SET version_num = ?", [revision])
    database.commit()
    database.close()
    with_manifest(folder, database=file_hash(path))


def no_slide(folder: Path) -> None:
    """An uploaded file that is as it was, and is no slide."""
    path = folder / "uploads" / "case.tiff"
    path.write_bytes(b"no slide")
    uploads = [{"path": "case.tiff", "bytes": 8, "sha256": file_hash(path)}]
    with_manifest(folder, uploads=uploads)


def endless_slide(folder: Path) -> None:
    """An upload that whatever opens it would compute over for ever."""
    path = write_endless(folder / "uploads" / "endless.svslide")
    uploads = read_manifest(folder)["uploads"]
    size, sha256 = path.stat().st_size, file_hash(path)
    endless = {"path": "endless.svslide", "bytes": size, "sha256": sha256}
    with_manifest(folder, uploads=[*uploads, endless])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (damage_database, "The database in the backup has changed since the backup"),
        (
            lambda folder: set_revision(folder, "9999"),
            "at schema revision 9999, which this version does not know",
        ),
        (lambda folder: set_revision(folder, "0017"), "is of version 0.1.0 (schema revision 0017)"),
        (empty_table, "The table extra has 0 rows after the restore; the backup's manifest says 2"),
        (
            lambda folder: min((folder / "blobs").glob("??/*")).unlink(),
            "1 files of the backup are missing or damaged",
        ),
        (
            lambda folder: (folder / "uploads" / "case.tiff").write_bytes(b"x"),
            "the first is case.tiff",
        ),
        (lambda folder: (folder / "manifest.json").unlink(), "it has no manifest.json"),
    ],
)
def test_a_backup_that_cannot_be_restored_fails_with_a_sentence(
    tmp_path: Path, backup: Path, data: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    shutil.copytree(backup, tmp_path / "spoilt")
    spoil(tmp_path / "spoilt")
    done = check(tmp_path / "spoilt")
    assert done.code == 1
    assert sentence in done.told
    assert "can be restored" not in done.stdout
    assert not list((data.parent / "temporary").glob("pathviewer-*"))


@pytest.mark.parametrize(("spoil", "opened"), [(no_slide, 0), (endless_slide, 1)])
def test_an_upload_that_cannot_be_opened_is_a_note(
    tmp_path: Path, backup: Path, data: Path, spoil: Callable[[Path], object], opened: int
) -> None:
    shutil.copytree(backup, tmp_path / "odd")
    spoil(tmp_path / "odd")
    done = check(tmp_path / "odd")
    assert done.code == 0, done
    assert f"{opened} uploaded slides are in it. Note: 1 more cannot be opened" in done.stdout
    assert done.stdout.splitlines()[-1] == "This backup can be restored."


def test_a_backup_without_row_counts_says_so(tmp_path: Path, backup: Path, data: Path) -> None:
    shutil.copytree(backup, tmp_path / "older")
    told = json.loads((tmp_path / "older" / "manifest.json").read_text())
    del told["rows"]
    (tmp_path / "older" / "manifest.json").write_text(json.dumps(told))
    done = check(tmp_path / "older")
    assert done.code == 0
    assert "Rows were not compared" in done.stdout
