"""A DICOM series is one slide, however many files it has and whichever of them comes first."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pathviewer.slides.dicom_reader import identity_in
from pathviewer.slides.library import SlideLibrary
from storage.database import Database
from tests.dicom_series import write_series


def test_each_series_of_a_folder_is_shown_once(tmp_path: Path, database: Database) -> None:
    write_series(tmp_path / "slides", 64, 32, 16)
    write_series(tmp_path / "slides", 48, 16, name="other", seed=1)
    library = SlideLibrary([tmp_path / "slides"], database)
    library.rescan()
    first, second = library.slides()
    assert (first.width, first.level_count, first.vendor) == (64, 3, "dicom")
    assert (second.width, second.level_count) == (48, 2)
    assert library.list_rejected() == ()
    assert library.find_by_path(tmp_path / "slides" / "level_2.dcm") == first


def test_a_copy_in_another_folder_is_another_slide(tmp_path: Path, database: Database) -> None:
    write_series(tmp_path / "slides" / "a", 32, 16)
    shutil.copytree(tmp_path / "slides" / "a", tmp_path / "slides" / "b")
    library = SlideLibrary([tmp_path / "slides"], database)
    library.rescan()
    assert len({entry.id for entry in library.slides()}) == 2


def test_a_series_keeps_its_id_while_its_files_come_and_go(
    tmp_path: Path, database: Database
) -> None:
    folder = tmp_path / "slides"
    finest, middle, coarsest = write_series(folder, 64, 32, 16)
    aside = tmp_path / "aside"
    aside.mkdir()
    shutil.move(middle, aside)
    shutil.move(finest, aside)
    library = SlideLibrary([folder], database)
    states = []
    for change in (None, aside / middle.name, aside / finest.name, coarsest):
        if change == coarsest:
            coarsest.unlink()
        elif change is not None:
            shutil.move(change, folder)
        library.rescan()
        (entry,) = library.slides()
        states.append((entry.id, entry.width, entry.level_count, entry.file.path.name))
    first_id = states[0][0]
    assert states == [
        (first_id, 16, 1, "level_2.dcm"),
        (first_id, 32, 2, "level_2.dcm"),
        (first_id, 64, 3, "level_2.dcm"),
        (first_id, 64, 2, "level_0.dcm"),
    ]


def test_a_series_that_is_no_slide_is_rejected_once(tmp_path: Path, database: Database) -> None:
    paths = write_series(tmp_path / "slides", 64, 32)
    for path in paths:
        # another kind of image: computed tomography
        path.write_bytes(
            path.read_bytes().replace(
                b"1.2.840.10008.5.1.4.1.1.77.1.6", b"1.2.840.10008.5.1.4.1.1.2.1.99"
            )
        )
    library = SlideLibrary([tmp_path / "slides"], database)
    library.rescan()
    assert (len(library.slides()), len(library.list_rejected())) == (0, 1)


@given(st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None
)
def test_a_damaged_file_has_a_series_or_none(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "slides" / "level_0.dcm"
    if not path.exists():
        write_series(path.parent, 16)
    content = bytearray(path.read_bytes()[:900])
    for position in data.draw(st.lists(st.integers(128, len(content) - 1), max_size=6)):
        content[position] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(content[: data.draw(st.integers(100, 900))])
    with warnings.catch_warnings(action="ignore"):
        series = identity_in(damaged)[0]
    assert series is None or series


def test_a_series_that_is_exported_again_into_its_folder_is_refused_with_the_reason(
    tmp_path: Path, database: Database
) -> None:
    folder = tmp_path / "slides"
    write_series(folder, 64, 32)
    library = SlideLibrary([folder], database)
    library.rescan()
    (first,) = library.slides()
    again = write_series(folder, 64, 32, name="again", export=1)
    library.rescan()
    (rejected,) = library.list_rejected()
    assert "with another export of the same DICOM series; put each export" in rejected.reason
    (folder / "new").mkdir()
    for path in again:
        path.rename(folder / "new" / path.name)
    library.rescan()
    assert {entry.level_count for entry in library.slides()} == {2}
    assert first.id in {entry.id for entry in library.slides()}
    assert len(library.slides()) == 2


def test_what_is_said_of_a_series_does_not_pass_to_a_later_export(
    tmp_path: Path, database: Database
) -> None:
    former = write_series(tmp_path / "slides" / "a", 64, 32)
    library = SlideLibrary([tmp_path / "slides"], database)
    library.rescan()
    (first,) = library.slides()
    write_series(tmp_path / "slides" / "a", 64, 32, export=1)  # in the same files
    library.rescan()
    (second,) = library.slides()
    for path in former:
        path.unlink()
    library.rescan()
    write_series(tmp_path / "slides" / "b", 64, 32, export=2)
    library.rescan()
    (third,) = library.slides()
    assert len({first.id, second.id, third.id}) == 3
    write_series(tmp_path / "slides" / "c", 64, 32)  # the first, moved
    library.rescan()
    assert first.id in {entry.id for entry in library.slides()}
