"""Backups while others write, and what is put back elsewhere."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select
from typer.testing import CliRunner

from pathviewer.commands.doctor import stored_blobs
from pathviewer.commands.main import app
from pathviewer.common.atomic_folder import FolderError
from pathviewer.export.manifest import check_export
from pathviewer.operations.backup import back_up, file_hash, restore
from pathviewer.operations.errors import UpkeepError
from pathviewer.settings import Settings
from storage.audit import list_entries
from storage.blobs import BlobStore, mark_removed
from storage.database import open_database
from storage.errors import StorageError
from storage.tables import Blob, Feedback, Question
from tests.pathviewer.export.made_labels import RIGHT, Labels, fill, new_labels
from tests.postgres import Postgres, program


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a database with labels; not to be changed."""
    folder = tmp_path_factory.mktemp("kept")
    labels = new_labels(folder / "state")
    fill(labels, slides=3)
    labels.database.close()
    back_up(Settings(data=folder / "state"), folder / "backup")
    return folder / "backup"


def exported(data: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """An export of a data folder, by its files."""
    monkeypatch.setenv("PATHVIEWER_DATA", str(data))
    made = CliRunner().invoke(app, ["export", "--format", "preference", "--out", str(out)])
    assert made.exit_code == 0, made.exception
    check_export(out)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_what_is_put_back_exports_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = new_labels(tmp_path / "here")
    fill(labels, slides=3)
    labels.database.close()
    before = exported(tmp_path / "here", tmp_path / "one", monkeypatch)
    assert CliRunner().invoke(app, ["backup", "--out", str(tmp_path / "kept")]).exit_code == 0
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path / "there"))
    done = CliRunner().invoke(app, ["restore", str(tmp_path / "kept")])
    assert done.stdout.startswith("Restored the database and 3 files"), done.exception
    assert exported(tmp_path / "there", tmp_path / "two", monkeypatch) == before
    database = open_database(Settings(data=tmp_path / "there").database)
    with database.read_only() as session:
        done_here = [entry.action for entry in list_entries(session)]
    # the first export is in the copy, the backup is noted after it
    assert done_here == ["exported", "restored", "exported"]
    database.close()


def test_a_backup_while_somebody_writes_is_whole(tmp_path: Path) -> None:
    labels = new_labels(tmp_path / "state")
    fill(labels, slides=2)
    going = threading.Event()
    written: list[str] = []

    def write() -> None:
        while not going.is_set():
            with labels.database.session() as session:
                shade = len(written) % 200
                (one,) = labels.reading(session, f"n{len(written)}", shade, RIGHT)
                labels.verdict(session, "ada", one, "correct")
            written.append(one)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while len(written) < 5:
            going.wait(0.01)
        told = back_up(Settings(data=tmp_path / "state"), tmp_path / "backup")
        after = len(written)
        while len(written) == after and thread.is_alive():
            going.wait(0.01)  # writing goes on
    finally:
        going.set()
        thread.join()
        labels.database.close()
    assert told.unusable == []
    restore(Settings(data=tmp_path / "there"), tmp_path / "backup")
    database = open_database(Settings(data=tmp_path / "there").database)
    with database.read_only() as session:
        readings = session.scalar(select(func.count()).select_from(Question)) or 0
        assert 2 + 5 <= readings <= 2 + after
    database.close()


def test_files_that_were_removed_are_not_kept(tmp_path: Path) -> None:
    labels = new_labels(tmp_path / "state")
    fill(labels, slides=2)
    with labels.database.session() as session:
        gone, *_ = session.scalars(select(Blob.sha256))
        mark_removed(session, gone)
    labels.database.close()
    told = back_up(Settings(data=tmp_path / "state"), tmp_path / "backup")
    assert (told.files, told.unusable) == (1, [])
    names = {path.name for path in (tmp_path / "backup" / "blobs").glob("??/*")}
    assert gone not in names


def test_a_file_that_is_damaged_does_not_hinder_the_rest(tmp_path: Path) -> None:
    labels = new_labels(tmp_path / "state")
    fill(labels, slides=2)
    labels.database.close()
    first, *_ = sorted((tmp_path / "state" / "blobs").glob("??/*"))
    first.write_bytes(b"x")
    told = back_up(Settings(data=tmp_path / "state"), tmp_path / "backup")
    assert (told.files, told.unusable) == (1, [first.name])


def at_revision(revision: str) -> Callable[[Path], None]:
    """Makes a backup one of another version of the program."""

    def spoil(folder: Path) -> None:
        path = folder / "pathviewer.sqlite3"
        database = sqlite3.connect(path)
        database.execute("UPDATE alembic_version SET version_num = ?", [revision])
        database.commit()
        database.close()
        told = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(told | {"database": file_hash(path)}))

    return spoil


def changed(folder: Path) -> None:
    with (folder / "pathviewer.sqlite3").open("ab") as file:
        file.write(b"x")


def another(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (at_revision("0017"), r"of version 0\.1\.0 \(schema revision 0017\).*cannot upgrade"),
        (at_revision("9999"), "at schema revision 9999, which this version does not know"),
        (changed, "has changed since the backup"),
        (another, "its manifest.json names no database"),
        (lambda folder: (folder / "manifest.json").unlink(), "it has no manifest.json"),
        (lambda folder: (folder / "pathviewer.sqlite3").unlink(), "has no pathviewer.sqlite3"),
    ],
)
def test_what_is_no_backup_is_told(
    tmp_path: Path, kept: Path, spoil: Callable[[Path], object], told: str
) -> None:
    shutil.copytree(kept, tmp_path / "backup")
    spoil(tmp_path / "backup")
    before = contents(tmp_path / "backup")
    with pytest.raises((UpkeepError, StorageError), match=told):
        restore(Settings(data=tmp_path / "there"), tmp_path / "backup")
    assert not (tmp_path / "there").exists()
    assert contents(tmp_path / "backup") == before


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file of a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_lost_file_of_a_backup_is_named(tmp_path: Path, kept: Path) -> None:
    shutil.copytree(kept, tmp_path / "backup")
    first, *_ = sorted((tmp_path / "backup" / "blobs").glob("??/*"))
    first.unlink()
    assert restore(Settings(data=tmp_path / "there"), tmp_path / "backup").unusable == [first.name]


def test_nothing_that_is_there_is_written_over(tmp_path: Path, kept: Path) -> None:
    settings = Settings(data=tmp_path / "there")
    restore(settings, kept)
    with pytest.raises(UpkeepError, match="has a database already"):
        restore(settings, kept)
    with pytest.raises(FolderError, match="is not empty"):
        back_up(settings, kept)
    with pytest.raises(StorageError, match="There is no database yet"):
        back_up(Settings(data=tmp_path / "nowhere"), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_postgresql_has_its_own_tools(tmp_path: Path, kept: Path) -> None:
    settings = Settings(data=tmp_path, database_url="postgresql+psycopg://host/name")
    works: list[Callable[[], object]] = [
        lambda: back_up(settings, tmp_path / "out"),
        lambda: restore(settings, kept),
    ]
    for work in works:
        with pytest.raises(StorageError, match="pg_dump"):
            work()


def test_a_dump_of_postgresql_is_put_back(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the document says it: its own tools, and the pictures after the dump."""
    here, there = tmp_path / "here", tmp_path / "there"
    with postgres.database() as one, postgres.database() as other:
        labels = Labels(here, open_database(one), BlobStore(here / "blobs"))
        fill(labels, slides=3)
        labels.database.close()
        (here / "uploads").mkdir()
        (here / "uploads" / "a.svs").write_bytes(b"a")
        monkeypatch.setenv("PATHVIEWER_DATABASE_URL", one)
        before = exported(here, tmp_path / "first", monkeypatch)
        places = {
            "postgresql://pathviewer@db/pathviewer": plain(one),
            "postgresql://pathviewer@other/pathviewer": plain(other),
            "/data/folder": str(here),
            "/new/folder": str(there),
        }
        for command in documented():
            for name, value in places.items():
                command = command.replace(name, value)
            tool, *rest = shlex.split(command)
            tool = program(tool) if tool.startswith("pg_") else tool
            subprocess.run([tool, *rest], check=True, cwd=tmp_path)
        assert (there / "uploads" / "a.svs").read_bytes() == b"a"
        monkeypatch.setenv("PATHVIEWER_DATABASE_URL", other)
        assert exported(there, tmp_path / "second", monkeypatch) == before
        checks = list(stored_blobs(Settings(data=there, database_url=other)))
        assert [check.verdict for check in checks] == ["ok"], checks
        again = open_database(other)
        with pytest.raises(StorageError), again.session() as session:
            session.execute(delete(Feedback))  # the triggers are there too
        again.close()


def documented() -> list[str]:
    """The commands for PostgreSQL, as the document has them."""
    told = (Path(__file__).parents[3] / "docs" / "upkeep.md").read_text(encoding="utf-8")
    found = re.findall(r"^    ((?:mkdir|cp|pg_dump|pg_restore) .*)$", told, re.MULTILINE)
    assert len(found) == 8
    return found


def plain(url: str) -> str:
    """The address as PostgreSQL's own tools take it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def test_labels_are_there_again(tmp_path: Path, kept: Path) -> None:
    restore(Settings(data=tmp_path / "there"), kept)
    database = open_database(Settings(data=tmp_path / "there").database)
    again = Labels(tmp_path, database, None)  # type: ignore[arg-type]
    with again.database.read_only() as session:
        assert session.scalar(select(func.count()).select_from(Feedback)) == 3 * 6 + 2
    database.close()
