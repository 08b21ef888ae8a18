"""First bytes decide what a file in a slide folder is; its ending says the rest."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pathviewer.slides.file_extensions import SUFFIXES, fault_of_ending, is_dicom_index
from pathviewer.slides.file_signature import HEAD_BYTES, FirstBytes, head_of
from pathviewer.slides.folder_scan import survey_folder
from pathviewer.slides.library import SlideLibrary
from storage.database import Database
from tests.dicom_series import write_series
from tests.library_app import scanned
from tests.slide_files import write_ycbcr


@pytest.mark.parametrize(
    "name",
    [
        "a.qptiff",
        "a.btf",
        "a.tf8",
        "a.ome.tiff.part",
        "a.SVS",
        "a",
        "a.tiff.svs",
        "a.unknown",
        "a.dat",
        "a.bin",
        "a.JPG",
        "a.txt",
    ],
)
def test_tiff_is_shown_whatever_its_ending(folder: Path, database: Database, name: str) -> None:
    write_ycbcr(folder / "x.tif").rename(folder / name)
    library = scanned(folder, database=database, show_file_names=True)
    assert [entry.name for entry in library.slides()] == [name]
    assert library.list_rejected() == ()


@pytest.mark.parametrize("ending", ["", ".dat", ".bin", ".jpg"])
def test_dicom_of_another_ending_is_one_slide(
    folder: Path, database: Database, ending: str
) -> None:
    for number, path in enumerate(write_series(folder, 64, 32)):
        path.rename(folder / f"IM{number:04}{ending}")
    (folder / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    library = scanned(folder, database=database, show_file_names=True)
    assert [entry.level_count for entry in library.slides()] == [2]
    assert library.list_rejected() == ()


def test_dicom_without_an_ending_is_one_slide_when_a_file_is_taken_in(
    folder: Path, database: Database
) -> None:
    paths = [path.rename(path.with_suffix("")) for path in write_series(folder, 64, 32)]
    library = SlideLibrary([folder], database)
    entry = library.add(paths[1])
    assert entry is not None
    assert entry.level_count == 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.vsi", b"II*\0", r"Olympus VSI slide.* `bfconvert in.vsi out.ome.tif`"),
        ("a.isyntax", b"<DataObject", "Philips iSyntax slide.* `isyntax-to-tiff in.isyntax"),
        ("a.jp2", b"\0\0\0\x0cjP  ", "a single picture, not a slide: `vips tiffsave in.jp2"),
        ("a.LIF", b"p\0\0\0", "Leica LIF file.* `bfconvert in.lif out.ome.tif`"),
        ("a.kfb", b"KFB", "KFBIO slide.* export it as SVS or TIFF"),
        ("a.afi", b"<ImageList>", r"index of a fluorescence slide of Aperio.* the \.svs files"),
        ("a.ndpis", b"[NanoZoomer", r"slide of Hamamatsu.* the \.ndpi files.* in\.ndpis out\.tif"),
        ("a.vsf", b"VSF", "a slide in the format VSF.* export it as SVS or TIFF"),
        ("a.tif.zip", b"PK\3\4", "is an archive; unpack it to use the slide inside"),
        ("a.svs.gz", b"\x1f\x8b", "is an archive; unpack it to use the slide inside"),
        ("a.svs", b"", "is empty: copy it again"),
        ("a.svs", b"<!DOCTYPE html><html>log in", "is a web page.*download the slide again"),
        ("a.tif", b"version https://git-lfs.github.com/spec/v1", "`git lfs pull`"),
        ("a.svs", b"PK\3\4....", "is a zip archive: unpack it"),
        ("a.svs", b"\xff\xd8\xff\xe0", "is a JPEG picture, not a slide: `vips tiffsave"),
        ("a.ndpi", bytes(2000), "starts with zeros only: the copy is incomplete"),
        ("a.tif", b"II*\0\x08\0\0\0", "cannot be opened: it is damaged or incomplete.* Copy"),
        ("a.mrxs", b"\xff\xd8\xff\xe0", r"the folder of the same name, without \.mrxs, .* missing"),
    ],
)
def test_what_looks_like_a_slide_is_named_with_the_way_out(
    folder: Path, database: Database, name: str, content: bytes, reason: str
) -> None:
    (folder / name).write_bytes(content)
    library = scanned(folder, database=database)
    assert library.slides() == ()
    (rejected,) = library.list_rejected()
    assert rejected.name == "A file in folder 1"
    assert re.search(rf"^A file in folder 1 .*{reason}", rejected.reason)
    assert name not in rejected.reason


def test_the_missing_folder_of_a_mirax_slide_is_named(folder: Path, database: Database) -> None:
    (folder / "S 1.mrxs").write_bytes(b"\xff\xd8\xff\xe0")
    (rejected,) = scanned(folder, database=database, show_file_names=True).list_rejected()
    assert "the folder S 1 that holds its pixels is missing; copy it" in rejected.reason
    (folder / "S 1").mkdir()
    (folder / "S 1" / "Data0000.dat").write_bytes(b"pixels")
    (rejected,) = scanned(folder, database=database, show_file_names=True).list_rejected()
    assert "the folder S 1 that holds its pixels lacks Slidedat.ini" in rejected.reason


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "cases.csv", "a.geojson", "thumb.jpg", "a.xml", "a.csv.gz", "a.mp4", "blob"],
)
@pytest.mark.parametrize("content", [b"", b"anything", b"\xff\xd8\xff\xe0", bytes(2000)])
def test_ordinary_files_are_not_mentioned(
    folder: Path, database: Database, name: str, content: bytes
) -> None:
    (folder / name).write_bytes(content)
    library = scanned(folder, database=database)
    assert (library.slides(), library.list_rejected()) == ((), ())


def test_a_file_is_looked_into_again_after_it_changed(folder: Path, database: Database) -> None:
    (folder / "a.part").write_bytes(b"")
    library = scanned(folder, database=database)
    assert library.slides() == ()
    shutil.copyfile(write_ycbcr(folder.parent / "x.tif"), folder / "a.part")
    library.rescan()
    assert len(library.slides()) == 1


def test_an_ordinary_file_is_read_once_and_only_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "thumb.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(10**6))
    read: list[Path] = []

    def head(file: Path) -> bytes:
        read.append(file)
        return head_of(file)

    first_bytes = FirstBytes(head)
    for _ in range(3):
        assert survey_folder(tmp_path, first_bytes).files == []
    assert read == [path]
    assert len(head_of(path)) == HEAD_BYTES
    path.write_bytes(b"II*\0")
    assert [file.path for file in survey_folder(tmp_path, first_bytes).files] == [path]
    assert read == [path, path]


def test_no_ending_says_two_things() -> None:
    for suffix in SUFFIXES:
        assert fault_of_ending(f"a{suffix}") is None
        assert not is_dicom_index(f"a{suffix}")
