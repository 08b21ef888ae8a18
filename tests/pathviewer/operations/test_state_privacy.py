"""The state folder is its owner's alone, whatever the umask, and names no patient."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pathviewer.commands.doctor import mend_privacy, privacy
from pathviewer.commands.main import app
from pathviewer.common.atomic_folder import new_folder
from pathviewer.export.jobs import ExportJob, ExportJobs
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.operations.backup import back_up, restore
from pathviewer.server.application import open_services
from pathviewer.server.run import make_state_folder, prepare_demo_slide
from pathviewer.settings import Settings
from pathviewer.slides.library import SlideLibrary
from storage.database import open_database
from storage.slides.store import list_slide_records
from tests.dicom_series import write_series
from tests.library_app import write_slide
from tests.pathviewer.export.made_labels import fill, new_labels


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """This process creates files with that mask."""
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


def modes(*folders: Path) -> set[tuple[bool, int]]:
    """(whether a folder, mode) of the folders and all in them."""
    every = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in every}


PRIVATE = {(True, 0o700), (False, 0o600)}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_what_is_written_is_private(tmp_path: Path, mask: int) -> None:
    settings = Settings(data=tmp_path / "a" / "state", model="none", slides=(tmp_path,))
    with umask(mask):
        make_state_folder(settings)
        prepare_demo_slide(settings)
        services = open_services(settings)
        services.blobs.put(b"pixels")
        services.database.close()
        services.pool.close()
    assert modes(tmp_path / "a") == PRIVATE


def test_exports_of_the_page_are_private(tmp_path: Path) -> None:
    with umask(0):
        labels = new_labels(tmp_path / "state")
        fill(labels, slides=2)
        folder = tmp_path / "state" / "exports"
        jobs, done = ExportJobs(labels.database, labels.blobs, folder), threading.Event()
        seen: list[set[tuple[bool, int]]] = []

        def noted(job: ExportJob) -> None:
            seen.append(modes(folder))
            done.set()

        jobs.start("local", ExportPlan(FORMATS["unpaired"]), noted)
        assert done.wait(30)
        labels.database.close()
    assert seen == [PRIVATE]


def test_backup_and_restore_are_private(tmp_path: Path) -> None:
    here, there = Settings(data=tmp_path / "here"), Settings(data=tmp_path / "new" / "there")
    with umask(0):
        labels = new_labels(here.data)
        fill(labels, slides=2)
        labels.database.close()
        write_slide(here.uploads / "x" / "x.tiff")
        back_up(here, tmp_path / "kept", uploads=True)
        restore(there, tmp_path / "kept")
    assert modes(tmp_path / "kept", tmp_path / "new") == PRIVATE


def test_a_data_set_is_readable_as_the_umask_has_it(tmp_path: Path) -> None:
    for mask, folder_mode, file_mode in ((0o027, 0o750, 0o640), (0, 0o777, 0o666)):
        with umask(mask), new_folder(tmp_path / f"out{mask}") as folder:
            (folder / "a.txt").write_text("a")
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert modes(tmp_path / f"out{mask}") == {(True, folder_mode), (False, file_mode)}


def test_doctor_names_what_is_wider_and_closes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=tmp_path / "state")
    open_database(settings.database).close()
    write_slide(tmp_path / "elsewhere" / "shared.tiff").chmod(0o644)
    (settings.data / "demo").mkdir(mode=0o700)
    (settings.data / "demo" / "link.tiff").symlink_to(tmp_path / "elsewhere" / "shared.tiff")
    assert [check.verdict for check in privacy(settings)] == ["ok"]
    settings.data.chmod(0o755)
    (settings.data / "pathviewer.sqlite3").chmod(0o640)
    (check,) = privacy(settings)
    assert (check.verdict, check.fatal) == ("note", False)
    for named in (settings.data, settings.data / "pathviewer.sqlite3", "doctor --fix"):
        assert str(named) in check.sentence
    assert "and 1 more" not in check.sentence
    monkeypatch.setenv("PATHVIEWER_DATA", str(settings.data))
    fixed = CliRunner().invoke(app, ["doctor", "--fix"])
    assert "privacy: Only its owner can read it." in fixed.stdout
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700
    assert stat.S_IMODE((settings.data / "pathviewer.sqlite3").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "elsewhere" / "shared.tiff").stat().st_mode) == 0o644


def test_a_database_and_uploads_elsewhere_are_looked_at_too(tmp_path: Path) -> None:
    database = tmp_path / "database" / "x.sqlite3"
    settings = Settings(data=tmp_path / "state", database_url=f"sqlite:///{database}")
    open_database(settings.database).close()
    settings.data.mkdir(mode=0o700)
    (tmp_path / "large").mkdir(mode=0o755)
    settings.uploads.symlink_to(tmp_path / "large")
    database.chmod(0o644)
    (check,) = privacy(settings)
    assert str(database) in check.sentence
    assert str(tmp_path / "large") in check.sentence
    list(mend_privacy(settings))
    assert [check.verdict for check in privacy(settings)] == ["ok"]


def test_doctor_gives_uploads_of_earlier_versions_opaque_names(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "state")
    settings.uploads.mkdir(parents=True, mode=0o700)
    settings.data.chmod(0o700)
    write_slide(settings.uploads / "Doe, Jane.tiff")
    write_series(settings.uploads, 64, 32, name="Doe, John")
    write_slide(settings.uploads / "by hand" / "a.tiff", 1)
    database = open_database(settings.database)
    library = SlideLibrary([settings.uploads], database, show_file_names=True)
    library.rescan()
    before = {entry.id: (entry.name, entry.level_count) for entry in library.slides()}
    list(mend_privacy(settings))
    library.rescan()
    after = {entry.id: (entry.name, entry.level_count) for entry in library.slides()}
    assert after == before
    assert {name for name, _ in after.values()} == {"Doe, Jane.tiff", "Doe, John_0.dcm", "a.tiff"}
    names = {path.name for path in settings.uploads.rglob("*")}
    assert not [name for name in names if "Doe" in name]
    assert names >= {"by hand", "a.tiff"}
    with database.read_only() as session:
        assert len(list_slide_records(session)) == 3
    database.close()
    assert [check.verdict for check in privacy(settings)][1:] == []
