"""Slides made of several files: none of them may be outside the slide folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import openslide
import pytest
from PIL import Image

from pathviewer.settings import Settings
from pathviewer.slides.companion_files import (
    TEXT_LIMIT,
    check_companions,
    companion_fault,
    confine_companions,
    names_other_files,
)
from pathviewer.slides.errors import SlideGone, SlideUnopenable
from pathviewer.slides.readers.pool import ReaderPool
from pathviewer.slides.slide_pool import SlideFile, SlidePool
from storage.database import Database
from tests.dicom_series import write_series
from tests.library_app import scanned, write_slide

GROUPS = ("Virtual Microscope Specimen", "Uncompressed Virtual Microscope Specimen")


def write_picture(path: Path) -> Path:
    """A JPEG with restart markers, as OpenSlide wants them of a VMS slide."""
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(path, restart_marker_rows=1)
    return path


def key_file(picture: str, group: str = GROUPS[0]) -> str:
    """The text of a VMS or VMU file whose pictures are all this one."""
    lines = ["NoLayers=1", "NoJpegColumns=1", "NoJpegRows=1"]
    lines += [f"{key}={picture}" for key in ("ImageFile", "MapFile", "MacroImage")]
    return "\n".join([f"[{group}]", *lines, ""])


@pytest.mark.parametrize("name", ["slide.vms", "slide.tif", "slide.dcm"])
def test_a_key_file_that_leads_out_is_refused_before_it_is_opened(
    folder: Path, database: Database, name: str
) -> None:
    write_picture(folder.parent / "outside.jpg")
    (folder / name).write_text(key_file("../outside.jpg"))
    with openslide.OpenSlide(folder / name) as slide:  # which follows it
        assert slide.dimensions == (64, 64)
    library = scanned(folder, database=database)
    assert library.slides() == ()
    (rejected,) = library.list_rejected()
    assert "one of which is outside the slide folder; put all of them into" in rejected.reason
    assert "outside.jpg" not in rejected.reason


def test_a_key_file_beside_its_pictures_is_a_slide(folder: Path, database: Database) -> None:
    write_picture(folder / "inside.jpg")
    (folder / "slide.vms").write_text(key_file("inside.jpg"))
    (entry,) = scanned(folder, database=database).slides()
    assert entry.vendor == "hamamatsu"


@pytest.mark.parametrize(
    ("picture", "fault"),
    [
        ("inside.jpg", False),
        ("deeper/../inside.jpg", False),
        ("not there.jpg", False),
        ("../outside.jpg", True),
        ("deeper/../../outside.jpg", True),
        ("/etc/hostname", True),
        ("\\\\server\\share\\a.jpg", True),
        ("link.jpg", True),
        ("linked/outside.jpg", True),
        (".\\s./../outside.jpg", False),  # \s is a blank, so this is no way out
        ("a\0b.jpg", True),
        ("outwards\t", True),  # blanks at the end belong to the name
        ("outwards\u00a0", True),
        ("\f ../outside.jpg", True),
        ("inside.jpg\r", False),  # the line's end
    ],
)
@pytest.mark.parametrize("group", GROUPS)
def test_where_a_named_picture_lies(folder: Path, picture: str, fault: bool, group: str) -> None:
    write_picture(folder / "inside.jpg")
    write_picture(folder.parent / "outside.jpg")
    (folder / "link.jpg").symlink_to("../outside.jpg")
    (folder / "linked").symlink_to("..")
    for blank in ("\t", "\u00a0"):
        (folder / f"outwards{blank}").symlink_to("../outside.jpg")
    (folder / "deeper").mkdir()
    path = folder / "slide.tif"
    path.write_text(f"# by hand\n \t[{group}] \r\n" + key_file(picture).split("\n", 1)[1])
    assert names_other_files(path)
    assert (companion_fault(path, folder) is not None) == fault


HEADERS = [
    ("{}", "nothing before it"),
    ("\ufeff{}", "a byte order mark"),
    ("\ufeff\n \t{}", "a byte order mark on a line of its own"),
    ("\n\n{}", "blank lines"),
    ("# by hand\n{}", "a comment"),
    ("#II*\0\0\n{}", "a comment with NULs"),
    ("\0II*\n{}", "a line that ends before it begins"),
    ("\f\r {}", "blanks"),
    ("[Other]\na=b\n{}", "another group"),
    ("{} \t\r", "blanks after it"),
    ("{}\0rubbish", "a NUL after it"),
    ("{}\t\0", "a blank and a NUL after it"),
]
"""What OpenSlide skips around the header of a key file, with what is odd about it."""

OPEN_ALL = """
import sys, openslide
for path in sys.argv[1:]:
    with openslide.OpenSlide(path) as slide:
        print(slide.properties["openslide.vendor"], slide.dimensions)
"""


def test_every_key_file_that_openslide_takes_is_noticed(folder: Path) -> None:
    write_picture(folder.parent / "outside.jpg")
    group = f"[{GROUPS[0]}]"
    paths = []
    for number, (header, _) in enumerate(HEADERS):
        text = key_file("../outside.jpg").replace(group, header.format(group))
        paths.append(folder / f"{number}.tif")
        paths[-1].write_bytes(text.encode())
    opened = subprocess.run(
        [sys.executable, "-c", OPEN_ALL, *paths], capture_output=True, text=True, check=True
    )
    assert opened.stdout.splitlines() == ["hamamatsu (64, 64)"] * len(HEADERS)
    for path, (_, oddity) in zip(paths, HEADERS, strict=True):
        assert names_other_files(path), oddity
        assert companion_fault(path, folder) is not None, oddity


@pytest.mark.parametrize(
    ("index", "line", "fault"),
    [
        ("Slidedat.ini", "FILE_0=Data0000.dat", False),
        ("Slidedat.ini", "FILE_0=../../outside.jpg", True),
        ("Slidedat.ini", "FILE_12=/etc/hostname", True),
        ("Slidedat.ini", "INDEXFILE=../../outside.jpg", True),
        ("../../outside.ini", "FILE_0=Data0000.dat", True),
    ],
)
def test_where_the_files_of_a_mirax_slide_lie(
    folder: Path, index: str, line: str, fault: bool
) -> None:
    (folder / "a").mkdir()
    (folder / "a" / index).write_text(f"[DATAFILE]\nFILE_COUNT=1\n{line}\n")
    if index != "Slidedat.ini":
        (folder / "a" / "Slidedat.ini").symlink_to(index)
    (folder / "a.mrxs").write_bytes(b"")
    assert names_other_files(folder / "a.mrxs")
    assert (companion_fault(folder / "a.mrxs", folder) is not None) == fault


def test_a_mirax_slide_whose_folder_is_elsewhere_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "a").symlink_to(tmp_path / "elsewhere")
    (folder / "a.mrxs").write_bytes(b"")
    assert companion_fault(folder / "a.mrxs", folder) is not None


@pytest.mark.parametrize("link", ["linked.dcm", "any name"])
def test_a_link_out_of_a_series_folder_is_not_followed(
    folder: Path, database: Database, tmp_path: Path, link: str
) -> None:
    finest, coarsest = write_series(folder, 64, 32)
    (folder / "a folder").symlink_to(tmp_path)  # in which OpenSlide does not look
    (entry,) = scanned(folder, database=database).slides()
    assert entry.level_count == 2
    coarsest.rename(tmp_path / "elsewhere.dcm")
    (folder / link).symlink_to(tmp_path / "elsewhere.dcm")
    library = scanned(folder, database=database)
    assert library.slides() == ()
    assert any("one of which is outside" in file.reason for file in library.list_rejected())
    (folder / link).unlink()
    (entry,) = scanned(folder, database=database).slides()
    assert (entry.file.path, entry.level_count) == (finest, 1)


def test_other_files_name_no_others(folder: Path) -> None:
    path = write_slide(folder / "a.tiff")
    assert not names_other_files(path)
    assert companion_fault(path, folder) is None


def test_no_more_text_is_read_than_a_key_file_can_have(folder: Path) -> None:
    path = folder / "a.tif"
    path.write_bytes(key_file("../outside.jpg").encode().ljust(TEXT_LIMIT + 1))
    assert not names_other_files(path)  # nor does OpenSlide take it for one
    with pytest.raises(openslide.OpenSlideError):
        openslide.OpenSlide(path)


def test_a_reader_looks_again_before_it_opens(folder: Path, tmp_path: Path) -> None:
    write_picture(folder / "inside.jpg")
    write_picture(folder.parent / "outside.jpg")
    path = folder / "slide.vms"
    path.write_text(key_file("inside.jpg"))
    (tmp_path / "linked").symlink_to(folder)
    settings = Settings(data=tmp_path / "data", readers=1)
    readers = ReaderPool(settings, folders=(tmp_path / "linked",))
    pool = SlidePool(lambda name: SlideFile(name, path, "Slide 1"), settings, readers)
    try:
        assert readers.facts(path, "Slide 1").vendor == "hamamatsu"
        path.write_text(key_file("../outside.jpg"))  # since it was listed
        with pytest.raises(SlideUnopenable, match="Slide 1 is made of several files, one of"):
            readers.facts(path, "Slide 1")
        with pytest.raises(SlideUnopenable, match="Slide 1 is made of several files, one of"):
            pool.get("x")
        with pytest.raises(SlideGone):
            readers.facts(folder / "gone.vms", "Slide 2")
    finally:
        pool.close()
        readers.close()


def test_slides_of_nested_folders_may_share_files(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    write_picture(folder / "picture.jpg")
    (inner / "slide.vms").write_text(key_file("../picture.jpg"))
    try:
        confine_companions([inner, folder])
        check_companions(inner / "slide.vms", "Slide 1")
        confine_companions([inner])
        with pytest.raises(SlideUnopenable):
            check_companions(inner / "slide.vms", "Slide 1")
    finally:
        confine_companions([])
