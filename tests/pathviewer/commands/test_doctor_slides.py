"""`doctor slides`: what a folder holds, without a value that names anybody."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import ImageCms

from pathviewer.commands.main import app
from tests import hostile_slides, slide_files
from tests.commands import Called, called
from tests.corpus.tiff import Layout, page_of, write_pages
from tests.format_files import colours, grey, write_dicom, write_ome, write_tiff


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slides").mkdir()
    return tmp_path / "slides"


def lines_of(done: Called, file: str) -> str:
    """What is printed of one file."""
    _, _, rest = done.stdout.partition(f" {file}: ")
    return rest.partition("\nshown ")[0].partition("\nnot shown ")[0]


def test_sound_slides(folder: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_tiff(folder / "a.tif", colours(), iccprofile=profile, resolution=(2e4, 1e4),
               resolutionunit=3)  # fmt: skip
    write_ome(folder / "b.ome.tif", grey(12), SignificantBits=12)
    write_tiff(folder / "c.tif", colours(), resolution=(6e2, 6e2), resolutionunit=2)
    (folder / "notes.txt").write_text("nothing")
    (folder / ".cache").mkdir()
    done = called(app, "doctor", "slides", folder)
    assert done.code == 0
    first = lines_of(done, "a.tif")
    assert "300 x 217 px, generic-tiff" in first
    assert "scale: 0.5 × 1 um per pixel (resolution tags" in first
    assert "colour profile: sRGB built-in, not applied: it is that of sRGB" in first
    second = lines_of(done, "b.ome.tif")
    assert "pixels: 12-bit grey, shown reduced to 8 bits" in second
    assert "scale: unknown: the file does not say" in second
    assert "scale: unknown: The file claims 42.33 µm per pixel" in lines_of(done, "c.tif")
    assert "3 of 3 can be shown." in done.stdout
    assert "passed     notes.txt is no slide by its ending, and begins like neither" in done.stdout
    assert "passed     .cache is hidden" in done.stdout


def test_what_cannot_be_shown_is_said_and_is_an_exit_of_1(folder: Path) -> None:
    write_tiff(folder / "float.tif", grey(16).astype(np.float32))
    slide_files.write_ycbcr(folder / "sound.tif")
    hostile_slides.write_crash(folder / "crash.tif")
    (folder / "a.vsi").write_bytes(b"II*")
    done = called(app, "doctor", "slides", folder, "--json")
    assert done.code == 1
    found = {one["file"]: one for one in json.loads(done.stdout)["slides"]}
    assert "32-bit floating-point" in found["float.tif"]["fault"]
    assert "bfconvert" in found["a.vsi"]["fault"]
    assert found["sound.tif"]["fault"] is None
    assert found["sound.tif"]["found"]["level_count"] == 2


def test_tags_that_may_name_a_patient_are_named_and_their_values_are_not(folder: Path) -> None:
    write_dicom(
        folder / "a.dcm", colours()[..., 1], PatientName="Secret^Person", PatientID="s3cret"
    )
    aperio = slide_files.aperio_description(300, 217) + "|Barcode = s3cret|Title = "
    slide_files.write_encoded(
        folder / "b.svs", [colours()], slide_files.ycbcr_jpeg, description=aperio
    )
    tifffile.imwrite(
        folder / "c.tif", colours(), tile=(64, 64), photometric="rgb", metadata=None,
        extratags=[(315, 2, 0, "s3cret", True), (700, 7, 6, b"s3cret", True)],
    )  # fmt: skip
    done = called(app, "doctor", "slides", folder)
    assert done.code == 0
    assert "name a patient: DICOM PatientID; DICOM PatientName" in lines_of(done, "a.dcm")
    assert "TIFF ImageDescription, Barcode" in lines_of(done, "b.svs")
    assert "Title" not in lines_of(done, "b.svs")
    assert "TIFF Artist; TIFF XMP" in lines_of(done, "c.tif")
    assert "s3cret" not in done.stdout.lower()
    assert "person" not in done.stdout.lower()


def test_label_and_macro_are_named(folder: Path) -> None:
    page: dict[str, Any] = {"photometric": "rgb", "compression": "lerc", "metadata": None}
    with tifffile.TiffWriter(folder / "a.tif") as tiff:
        tiff.write(colours(), tile=(64, 64), **page)
        tiff.write(slide_files.tissue(80, 90), description="label 80x90", **page)
        tiff.write(slide_files.tissue(90, 30), description="macro 90x30", **page)
    assert "other pictures: label, macro" in called(app, "doctor", "slides", folder).stdout


def test_pages_passed_over_are_named_with_the_reason(folder: Path) -> None:
    levels = slide_files.pyramid(slide_files.tissue(900, 600), 4)
    pages = [page_of(pixels, Layout(), number) for number, pixels in enumerate(levels)]
    pages.append(page_of(slide_files.tissue(200, 120), Layout(), 2))
    strip = Layout(description="macro", tile=(0, 50), strips=True)
    pages.append(page_of(slide_files.tissue(90, 50), strip))
    write_pages(folder / "a.tif", pages, strip)
    done = called(app, "doctor", "slides", folder)
    assert done.code == 0
    said = lines_of(done, "a.tif")
    assert "page passed over: unnamed, 200 x 120 px: its shape is not the slide's" in said
    assert "page passed over: macro, 90 x 50 px: OpenSlide reads it neither as a level" in said


def test_equal_names_in_two_folders_are_told_apart(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "a.vsi").write_bytes(b"II*")
        (folder / name / "b.svs").write_bytes(b"")
    found = json.loads(called(app, "doctor", "slides", folder, "--json").stdout)["slides"]
    files = {"one/a.vsi", "two/a.vsi", "one/b.svs", "two/b.svs"}
    assert {slide["file"] for slide in found} == files
    assert all(slide["fault"].startswith(slide["file"]) for slide in found)


def test_files_that_are_no_slides_are_passed_over_without_a_fault(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("slide 1.geojson", "[]")
    (folder / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    slide_files.write_ycbcr(folder / "a.tif")
    done = called(app, "doctor", "slides", folder, "--json")
    assert done.code == 0
    passed = {each["file"]: each["reason"] for each in json.loads(done.stdout)["passed_over"]}
    assert passed["a.zip"] == "a.zip is a zip file of annotations, not of slides."
    assert passed["DICOMDIR"].startswith("DICOMDIR lists the DICOM files")
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.write(folder / "a.tif", "a.tif")
    assert called(app, "doctor", "slides", folder).code == 1


def test_the_folder_of_a_mirax_slide_belongs_to_it(folder: Path) -> None:
    (folder / "a.mrxs").write_bytes(b"\xff\xd8\xff")
    (folder / "a").mkdir()
    slide_files.write_ycbcr(folder / "a" / "Data0000.dat")
    (folder / "a" / "Index.dat").write_bytes(b"index")
    done = called(app, "doctor", "slides", folder)
    assert "not shown  a.mrxs: a.mrxs cannot be opened: the folder a that holds" in done.stdout
    assert "passed     a/Data0000.dat belongs to a.mrxs." in done.stdout
    assert "passed     a/Index.dat belongs to a.mrxs." in done.stdout


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = called(app, "doctor", "slides", tmp_path / "none")
    assert done.code == 1
    assert "The folder cannot be read" in done.told
