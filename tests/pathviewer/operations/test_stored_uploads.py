"""Uploaded slides in backups: whole, once more after a cut-off, and without those that are gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pathviewer.commands.main import app
from pathviewer.operations.backup import back_up, restore
from pathviewer.operations.errors import UpkeepError
from pathviewer.operations.upload_backup import copy_uploads, list_uploaded_files
from pathviewer.settings import Settings
from tests.pathviewer.export.made_labels import new_labels
from tests.small_disk import small_disk

KIB = 1024


def with_uploads(folder: Path, files: dict[str, bytes]) -> Settings:
    """A data folder with a database and these slides."""
    settings = Settings(data=folder)
    new_labels(settings.data).database.close()
    for name, data in files.items():
        (settings.uploads / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.uploads / name).write_bytes(data)
    return settings


def there_now(settings: Settings) -> dict[str, bytes]:
    """All files of its folder of uploads."""
    found = [path for path in settings.uploads.rglob("*") if path.is_file()]
    return {path.relative_to(settings.uploads).as_posix(): path.read_bytes() for path in found}


def test_uploaded_slides_come_along_if_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, there = Settings(data=tmp_path / "here"), Settings(data=tmp_path / "there")
    new_labels(settings.data).database.close()
    files = {"a.svs": b"a", "series/1.dcm": b"1", "series/2.dcm": b"2"}
    for name, data in {**files, ".parts/half.svs": b"x"}.items():
        (settings.uploads / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.uploads / name).write_bytes(data)
    assert back_up(settings, tmp_path / "without").uploads == 0
    assert not (tmp_path / "without" / "uploads").exists()
    monkeypatch.setenv("PATHVIEWER_DATA", str(settings.data))
    done = CliRunner().invoke(app, ["backup", "--uploads", "--out", str(tmp_path / "kept")])
    assert done.stdout.startswith("Backed up the database and 0 files and 3 of uploaded slides, 0")
    (tmp_path / "kept" / "uploads" / "series" / "2.dcm").write_bytes(b"damaged")
    (tmp_path / "kept" / "uploads" / "planted.svs").write_bytes(b"x")
    told = restore(there, tmp_path / "kept")
    assert (told.uploads, told.unusable) == (2, ["series/2.dcm"])
    found = [path for path in there.uploads.rglob("*") if path.is_file()]
    assert {path.relative_to(there.uploads).as_posix(): path.read_bytes() for path in found} == {
        name: data for name, data in files.items() if name != "series/2.dcm"
    }
    (there.data / "pathviewer.sqlite3").unlink()
    (there.uploads / "series" / "2.dcm").write_bytes(b"another")
    with pytest.raises(UpkeepError, match=r"already has uploaded slides .*\(series/2.dcm\)"):
        restore(there, tmp_path / "kept")
    assert not list(there.data.glob("pathviewer.sqlite3*"))


def test_a_restore_that_was_cut_off_is_repeated(tmp_path: Path) -> None:
    """The disk is full in the midst of the second slide."""
    files = {"a.svs": b"a" * KIB, "series/1.dcm": b"b" * 4096 * KIB, "z.svs": b"z"}
    here = with_uploads(tmp_path / "here", files)
    back_up(here, tmp_path / "kept", uploads=True)
    there = Settings(data=tmp_path / "there")
    with small_disk(there.data, 2048) as make_room:
        with pytest.raises(OSError, match=r"No space left|too large"):
            restore(there, tmp_path / "kept")
        assert there_now(there) == {"a.svs": files["a.svs"]}
        assert not list(there.data.glob("pathviewer.sqlite3*"))
        make_room()
        (there.data / "pathviewer.sqlite3.part").write_bytes(b"of one that was killed")
        told = restore(there, tmp_path / "kept")
        assert (told.uploads, told.unusable) == (3, [])
        assert there_now(there) == files


def test_a_slide_that_is_removed_meanwhile_is_told(tmp_path: Path) -> None:
    here = with_uploads(tmp_path / "here", {"a.svs": b"a", "series/1.dcm": b"1", "z.svs": b"z"})
    paths, steps = list_uploaded_files(here.uploads), []
    (here.uploads / "series" / "1.dcm").unlink()
    kept, lost = copy_uploads(here.uploads, tmp_path / "kept", paths, lambda: steps.append(1))
    assert ([each["path"] for each in kept], lost) == (["a.svs", "z.svs"], ["series/1.dcm"])
    assert len(steps) == 3


def test_a_backup_goes_on_without_it(tmp_path: Path) -> None:
    """It goes while the slide before it is copied; how far it is, is told all along."""
    here = with_uploads(tmp_path / "here", {"a.svs": b"a", "b.svs": b"b", "c.svs": b"c"})
    steps: list[tuple[int, int]] = []

    def step(done: int, total: int) -> None:
        steps.append((done, total))
        (here.uploads / "b.svs").unlink(missing_ok=True)

    told = back_up(here, tmp_path / "kept", step, uploads=True)
    assert (told.uploads, told.unusable, steps) == (2, ["b.svs"], [(1, 3), (2, 3), (3, 3)])
    steps.clear()
    restore(Settings(data=tmp_path / "there"), tmp_path / "kept", step)
    assert steps == [(1, 2), (2, 2)]


def test_a_lost_slide_is_named_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "2026-11-24 S-26-1234 lung, upper lobe/slide-0007.dcm"
    here = with_uploads(tmp_path / "here", {name: b"a"})
    back_up(here, tmp_path / "kept", uploads=True)
    (tmp_path / "kept" / "uploads" / name).unlink()
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path / "there"))
    done = CliRunner().invoke(app, ["restore", str(tmp_path / "kept")])
    assert f"1 files are missing or damaged and were left out: {name}." in done.stderr
