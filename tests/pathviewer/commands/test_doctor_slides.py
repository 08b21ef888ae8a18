"""`doctor slides`: what a folder holds, without a value that names anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import ImageCms

from pathviewer.commands.main import app
from tests import hostile_slides, slide_files
from tests.commands import Called, called
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
    assert "notes" not in done.stdout


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


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = called(app, "doctor", "slides", tmp_path / "none")
    assert done.code == 1
    assert "The folder cannot be read" in done.told
