"""Which slides a folder holds, and what stays the same when files come, go and move."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pathviewer.slides.errors import SlideGone, SlideNotFound
from storage.database import Database
from storage.slides.scales import NewScale, enter_scale
from storage.slides.store import rename_slide
from storage.tables import LOCAL_ACCOUNT_ID
from tests.library_app import scanned, write_slide


def test_a_slide_is_listed_with_its_facts_under_an_alias(folder: Path, database: Database) -> None:
    path = write_slide(folder / "case 1" / "H24-00123.tiff", mpp=0.5)
    (entry,) = scanned(folder, database=database).slides()
    assert (entry.name, entry.alias) == ("Slide 1", "Slide 1")
    assert (entry.width, entry.height, entry.level_count) == (64, 48, 1)
    assert entry.mpp == pytest.approx(0.5)
    assert not entry.mpp_by_hand
    assert (entry.vendor, entry.objective_power) == ("generic-tiff", None)
    assert (entry.bounds, entry.background) == (None, (255, 255, 255))
    assert (entry.file.path, entry.file.name) == (path, "Slide 1")


def test_file_names_are_shown_if_the_setting_says_so(folder: Path, database: Database) -> None:
    write_slide(folder / "H24-00123.tiff")
    (folder / "H24-00124.svs").write_bytes(b"no slide")
    library = scanned(folder, database=database, show_file_names=True)
    assert [entry.name for entry in library.slides()] == ["H24-00123.tiff"]
    assert [file.name for file in library.list_rejected()] == ["H24-00124.svs"]


def test_slides_are_sorted_as_people_count(folder: Path, database: Database) -> None:
    for number in range(11):
        write_slide(folder / f"{number:02}.tiff", number)
    names = [entry.name for entry in scanned(folder, database=database).slides()]
    assert names == [f"Slide {number}" for number in range(1, 12)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("text.svs", b"no slide", "not a slide in a format that OpenSlide knows"),
        ("empty.tif", b"", "is empty: copy it again"),
        ("photo.dcm", b"\0" * 200, "starts with zeros only"),
        ("index.mrxs", b"", "the folder of the same name, without .mrxs,"),
        ("cut.tiff", None, "cannot be opened"),
    ],
)
def test_what_is_no_slide_is_rejected_without_its_name(
    folder: Path, database: Database, name: str, content: bytes | None, reason: str
) -> None:
    if content is None:
        content = write_slide(folder / name).read_bytes()[:-6000]
    (folder / name).write_bytes(content)
    library = scanned(folder, database=database)
    assert library.slides() == ()
    (rejected,) = library.list_rejected()
    assert rejected.name == "A file in folder 1"
    assert reason in rejected.reason
    assert name not in rejected.reason
    assert str(folder) not in rejected.reason


def test_an_id_outlives_the_program(folder: Path, database: Database) -> None:
    write_slide(folder / "a.tiff")
    (first,) = scanned(folder, database=database).slides()
    (second,) = scanned(folder, database=database).slides()
    assert first == second


def test_a_moved_slide_keeps_its_id_and_a_copy_gets_its_own(
    folder: Path, database: Database
) -> None:
    write_slide(folder / "a.tiff", 1)
    library = scanned(folder, database=database)
    (before,) = library.slides()
    (folder / "sub").mkdir()
    (folder / "a.tiff").rename(folder / "sub" / "renamed.tiff")
    shutil.copy(folder / "sub" / "renamed.tiff", folder / "sub" / "copy of it.tiff")
    library.rescan()
    ids = {entry.id for entry in library.slides()}
    assert len(ids) == 2
    assert before.id in ids


def test_a_removed_slide_is_gone_and_an_unknown_one_not_found(
    folder: Path, database: Database
) -> None:
    path = write_slide(folder / "a.tiff")
    library = scanned(folder, database=database)
    (entry,) = library.slides()
    assert library.locate(entry.id).path == path
    assert library.find_by_path(path) == entry
    path.unlink()
    library.rescan()
    assert library.slides() == ()
    assert library.find_by_path(path) is None
    with pytest.raises(SlideGone, match="Slide 1 is no longer"):
        library.locate(entry.id)
    with pytest.raises(SlideNotFound, match="no slide"):
        library.locate("../../etc/passwd")


def test_a_file_that_is_still_being_copied_is_tried_again(folder: Path, database: Database) -> None:
    path = write_slide(folder / "a.tiff")
    whole = path.read_bytes()
    path.write_bytes(whole[:3000])
    library = scanned(folder, database=database)
    assert (len(library.slides()), len(library.list_rejected())) == (0, 1)
    path.write_bytes(whole)
    library.rescan()
    assert (len(library.slides()), len(library.list_rejected())) == (1, 0)


def test_a_slide_that_is_overwritten_by_rubbish_is_no_longer_shown(
    folder: Path, database: Database
) -> None:
    path = write_slide(folder / "a.tiff")
    library = scanned(folder, database=database)
    path.write_bytes(b"rubbish")
    library.rescan()
    assert (len(library.slides()), len(library.list_rejected())) == (0, 1)


def test_an_unchanged_file_is_not_opened_again(folder: Path, database: Database) -> None:
    write_slide(folder / "a.tiff")
    (folder / "b.tiff").write_bytes(b"rubbish")
    library = scanned(folder, database=database)
    facts, rejected = library.slides()[0].facts, library.list_rejected()[0]
    library.rescan()
    assert library.slides()[0].facts is facts
    assert library.list_rejected()[0] is rejected


def test_alias_and_mpp_by_hand_are_taken_over(folder: Path, database: Database) -> None:
    write_slide(folder / "a.tiff", 1)
    write_slide(folder / "b.tiff", 2, mpp=0.5)
    library = scanned(folder, database=database)
    with database.session() as session:
        for entry in library.slides():
            rename_slide(session, entry.id, f"Liver {entry.alias}")
            enter_scale(session, entry.id, LOCAL_ACCOUNT_ID, NewScale(0.25, 0.25))
    library.refresh()
    unknown, known = library.slides()
    assert (unknown.name, unknown.file.name) == ("Liver Slide 1", "Liver Slide 1")
    assert (unknown.mpp, unknown.mpp_by_hand) == (0.25, True)
    assert (known.mpp, known.mpp_by_hand) == (0.25, True)
    assert known.facts.claim.x == pytest.approx(0.5)


def test_a_file_that_cannot_be_opened_is_tried_again_ever_more_rarely(
    folder: Path, database: Database
) -> None:
    (folder / "a.tiff").write_bytes(b"rubbish")
    now = 0.0
    library = scanned(folder, database=database, clock=lambda: now)
    last, tried = library.list_rejected()[0], []
    for minute in range(1, 200):
        now = 60.0 * minute
        library.rescan()
        if library.list_rejected()[0] is not last:
            last = library.list_rejected()[0]
            tried.append(minute)
    assert tried == [1, 3, 7, 14, 28, 55, 109, 169]


def test_one_file_is_taken_in_without_a_look_at_the_others(
    folder: Path, database: Database
) -> None:
    library = scanned(folder, database=database)
    write_slide(folder / "other.tiff", 1)
    path = write_slide(folder / "a.tiff", 2)
    entry = library.add(path)
    assert entry is not None
    assert library.slides() == (entry,)
    assert library.add(path) == entry
    library.rescan()
    assert library.find_by_path(path) == entry
    assert len(library.slides()) == 2


def test_a_moved_slide_that_is_taken_in_keeps_its_id(folder: Path, database: Database) -> None:
    path = write_slide(folder / "a.tiff")
    library = scanned(folder, database=database)
    (before,) = library.slides()
    after = library.add(path.rename(folder / "b.tiff"))
    assert after is not None
    assert after.id == before.id
    library.rescan()
    assert [entry.id for entry in library.slides()] == [before.id]


@pytest.mark.parametrize("name", [".hidden/a.tiff", "../a.tiff"])
def test_what_a_look_would_pass_over_is_not_taken_in(
    folder: Path, database: Database, name: str
) -> None:
    assert scanned(folder, database=database).add(write_slide(folder / name)) is None
