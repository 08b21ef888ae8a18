"""Which files of the folders are looked at, and folders that are away."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from pathviewer.slides.library import SlideLibrary
from storage.database import Database
from tests.library_app import scanned, write_slide


@pytest.mark.parametrize("name", [".hidden.tiff", ".part"])
def test_hidden_files_are_not_even_opened(folder: Path, database: Database, name: str) -> None:
    write_slide(folder / "a.tiff").rename(folder / name)
    library = scanned(folder, database=database)
    assert (library.slides(), library.list_rejected()) == ((), ())


def test_rejected_files_of_one_name_are_told_apart(
    folder: Path, database: Database, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "a.vsi").write_bytes(b"II*")
        (folder / name / "b.svs").write_bytes(b"")
    rejected = scanned(folder, database=database, show_file_names=True).list_rejected()
    paths = ["one/a.vsi", "one/b.svs", "two/a.vsi", "two/b.svs"]
    assert sorted(file.name for file in rejected) == paths
    assert all(file.reason.startswith(f"{file.name} is ") for file in rejected)
    (tmp_path / "other" / "one").mkdir(parents=True)
    (tmp_path / "other" / "one" / "a.vsi").write_bytes(b"II*")
    both = scanned(folder, tmp_path / "other", database=database, show_file_names=True)
    names = {file.name for file in both.list_rejected()}
    assert {"one/a.vsi in folder 1", "one/a.vsi in folder 2"} < names
    assert {file.name for file in scanned(folder, database=database).list_rejected()} == {
        "A file in folder 1"
    }


def test_a_rejected_name_that_is_not_utf8_can_be_sent(folder: Path, database: Database) -> None:
    (folder / os.fsdecode(b"\xff.vsi")).write_bytes(b"II*")
    (rejected,) = scanned(folder, database=database, show_file_names=True).list_rejected()
    assert rejected.reason.encode().startswith(b"?.vsi is an Olympus VSI slide")


def test_a_zip_file_of_annotations_is_not_mentioned(folder: Path, database: Database) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.geojson", "[]")
    assert scanned(folder, database=database).list_rejected() == ()


def test_a_pipe_does_not_stop_the_scan(folder: Path, database: Database) -> None:
    os.mkfifo(folder / "pipe.svs")
    assert scanned(folder, database=database).slides() == ()


def test_a_name_that_is_not_utf8_is_refused(folder: Path, database: Database) -> None:
    write_slide(folder / "a.tiff").rename(folder / os.fsdecode(b"\xff.tiff"))
    (rejected,) = scanned(folder, database=database, show_file_names=True).list_rejected()
    assert "not UTF-8; rename it" in rejected.reason


def test_links_out_of_the_folder_are_refused(
    folder: Path, database: Database, tmp_path: Path
) -> None:
    write_slide(tmp_path / "elsewhere" / "secret.tiff")
    (folder / "file.tiff").symlink_to(tmp_path / "elsewhere" / "secret.tiff")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    (folder / "dots.tiff").symlink_to("../elsewhere/secret.tiff")
    (folder / "nowhere.tiff").symlink_to("gone.tiff")
    (folder / "round.tiff").symlink_to("round.tiff")
    (folder / "notes.txt").symlink_to(tmp_path / "elsewhere" / "secret.tiff")
    library = scanned(folder, database=database)
    assert library.slides() == ()
    reasons = sorted(file.reason for file in library.list_rejected())
    leads_out = "A file in folder 1 is a link that leads out of the folder; put the file itself"
    nothing = "A file in folder 1 is a link to a file that is not there."
    assert reasons == [f"{leads_out} there."] * 3 + [nothing] * 2


def test_links_within_the_folder_are_followed_once(folder: Path, database: Database) -> None:
    write_slide(folder / "a.tiff", 1)
    write_slide(folder / ".store" / "object", 2)
    write_slide(folder / ".cases" / "b.tiff", 3)
    (folder / "again.tiff").symlink_to("a.tiff")
    (folder / "linked.tiff").symlink_to(".store/object")
    (folder / "case").symlink_to(".cases")
    (folder / ".cases" / "up").symlink_to("..")
    library = scanned(folder, database=database, show_file_names=True)
    real = {str(entry.file.path.relative_to(folder)) for entry in library.slides()}
    assert real == {"a.tiff", ".store/object", ".cases/b.tiff"}
    assert library.list_rejected() == ()


def test_overlapping_folders_show_a_slide_once(folder: Path, database: Database) -> None:
    write_slide(folder / "deep" / "a.tiff")
    assert len(scanned(folder, folder / "deep", folder, database=database).slides()) == 1


def test_a_folder_that_is_not_there_is_reported(folder: Path, database: Database) -> None:
    write_slide(folder / "a.tiff")
    library = scanned(folder / "absent", folder, database=database)
    assert len(library.slides()) == 1
    assert "Folder 1 cannot be read (No such file" in library.list_rejected()[0].reason


def test_the_folder_beside_a_mirax_index_is_not_shown(folder: Path, database: Database) -> None:
    (folder / "a.mrxs").touch()
    write_slide(folder / "a" / "inside.tiff")
    write_slide(folder / "b" / "outside.tiff")
    library = scanned(folder, database=database, show_file_names=True)
    assert [entry.name for entry in library.slides()] == ["outside.tiff"]
    assert [file.name for file in library.list_rejected()] == ["a.mrxs"]


def test_a_slide_keeps_its_id_when_its_folder_is_set_otherwise(
    folder: Path, database: Database
) -> None:
    write_slide(folder / "deep" / "a.tiff")
    (before,) = scanned(folder / "deep", database=database).slides()
    (after,) = scanned(folder, database=database).slides()
    assert after.id == before.id


def test_a_disconnected_folder_loses_no_slide_to_a_copy(
    folder: Path, database: Database, tmp_path: Path
) -> None:
    write_slide(folder / "a.tiff")
    (before,) = scanned(folder, database=database).slides()
    folder.rename(tmp_path / "disconnected")
    write_slide(tmp_path / "other" / "copy.tiff")
    (copy,) = scanned(folder, tmp_path / "other", database=database).slides()
    (tmp_path / "disconnected").rename(folder)
    ids = {entry.id for entry in scanned(folder, tmp_path / "other", database=database).slides()}
    assert copy.id != before.id
    assert ids == {before.id, copy.id}


def test_a_folder_whose_very_state_cannot_be_read_is_away_and_the_others_go_on(
    folder: Path, database: Database, tmp_path: Path
) -> None:
    away = tmp_path / ("x" * 300)  # like a dead network drive, not even its state can be asked
    with pytest.raises(OSError, match="too long"):
        away.is_dir()
    write_slide(folder / "a.tiff")
    library = scanned(away, folder, database=database)
    assert len(library.slides()) == 1
    (rejected,) = library.list_rejected()
    assert "Folder 1 cannot be read (File name too long)" in rejected.reason


def test_a_slide_of_which_nothing_is_certain_does_not_pass_to_a_copy(
    folder: Path, database: Database
) -> None:
    path = write_slide(folder / "sub" / "a.tiff")
    (before,) = scanned(folder, database=database).slides()
    copied = path.read_bytes()
    shutil.rmtree(folder / "sub")
    (folder / "sub").symlink_to("x" * 300)  # whatever is below it cannot be asked for
    (folder / "copy.tiff").write_bytes(copied)
    (copy,) = scanned(folder, database=database).slides()
    assert copy.id != before.id


def test_a_copy_taken_in_before_the_first_look_is_not_the_slide_of_a_folder_that_is_away(
    folder: Path, database: Database, tmp_path: Path
) -> None:
    write_slide(folder / "a.tiff")
    (before,) = scanned(folder, database=database).slides()
    folder.rename(tmp_path / "disconnected")
    copy = write_slide(tmp_path / "uploads" / "a.tiff")
    entry = SlideLibrary([folder, tmp_path / "uploads"], database).add(copy)
    assert entry is not None
    assert entry.id != before.id


def test_a_loop_of_links_is_a_folder_that_is_away(database: Database, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (rejected,) = scanned(tmp_path / "loop", database=database).list_rejected()
    assert rejected.name == "folder 1"


def test_the_demo_slide_goes_by_its_own_name(
    folder: Path, database: Database, tmp_path: Path
) -> None:
    demo = tmp_path / "demo"
    write_slide(demo / "phantom-64x48-seed1.tiff", 1)
    write_slide(demo / "CMU-1-Small-Region.tiff", 2)
    write_slide(folder / "phantom-of-a-patient.tiff", 3)
    library = scanned(folder, demo, database=database, demo=demo)
    assert [entry.name for entry in library.slides()] == [
        "CMU-1-Small-Region",
        "Phantom",
        "Slide 1",
    ]
