"""DICOM beyond OpenSlide: what was written is what is read, and the rest is refused in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    MPEG2MPML,
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
)

from pathviewer.slides.errors import SlideUnopenable, SlideUnsupported
from pathviewer.slides.formats.base import PixelsUnreadable
from pathviewer.slides.formats.dicom_file import DicomFile
from pathviewer.slides.formats.format_registry import open_pyramid
from pathviewer.slides.geometry import Region
from pathviewer.slides.slide import Slide
from pathviewer.slides.slide_facts import read_facts
from tests.format_files import colours, grey, write_dicom
from tests.slide_files import ycbcr_jpeg

JPEG_XL_LOSSLESS = UID("1.2.840.10008.1.2.4.110")


def lossless_jpeg2000(frame: NDArray[np.generic]) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k"))


def shown(path: Path) -> NDArray[np.uint8]:
    """Level 0 as (height, width, 3) RGB."""
    slide = Slide(path, "x")
    return slide.read(0, Region(0, 0, slide.width, slide.height))[..., 2::-1]


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (ExplicitVRLittleEndian, None),
        (JPEG2000Lossless, lossless_jpeg2000),
        (JPEGLSLossless, imagecodecs.jpegls_encode),
    ],
    ids=["native", "jpeg2000", "jpeg-ls"],
)  # fmt: skip
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_grey(tmp_path: Path, bits: int, syntax: Any, encode: Any) -> None:
    samples = grey(bits) if bits > 8 else colours()[..., 1]
    path = write_dicom(tmp_path / "x.dcm", samples, syntax=syntax, encode=encode, bits=bits)
    assert np.array_equal(shown(path)[..., 0], colours()[..., 1])
    slide = Slide(path, "x")
    reduced = "" if bits == 8 else ", shown reduced to 8 bits"
    assert slide.pixel_note == f"{bits}-bit grey{reduced}"
    assert (slide.vendor, slide.objective_power) == ("dicom", 20)
    assert float(slide.properties["openslide.mpp-x"]) == 0.25
    assert float(slide.properties["openslide.mpp-y"]) == 0.5


def test_colours_in_jpeg_ls(tmp_path: Path) -> None:
    path = write_dicom(
        tmp_path / "x.dcm", colours(), syntax=JPEGLSLossless, encode=imagecodecs.jpegls_encode,
        photometric="RGB",
    )  # fmt: skip
    assert np.array_equal(shown(path), colours())
    assert read_facts(path, "x").pixel_note is None


def test_openslide_comes_first(tmp_path: Path) -> None:
    path = write_dicom(
        tmp_path / "x.dcm", colours(), syntax=JPEGBaseline8Bit, encode=ycbcr_jpeg,
        photometric="YBR_FULL_422",
    )  # fmt: skip
    assert not isinstance(open_pyramid(path, "x"), DicomFile)


def test_several_optical_paths_are_refused_by_name(tmp_path: Path) -> None:
    optics = []
    for name in ("DAPI", "FITC"):
        item = Dataset()
        item.OpticalPathIdentifier = name
        optics.append(item)
    samples = np.concatenate([np.pad(colours()[..., 1], ((0, 39), (0, 0)))] * 2)
    path = write_dicom(
        tmp_path / "x.dcm", samples, NumberOfOpticalPaths=2, OpticalPathSequence=optics,
        TotalPixelMatrixRows=217,
    )  # fmt: skip
    with pytest.raises(SlideUnsupported, match=r"x is a fluorescence .*DAPI, FITC"):
        Slide(path, "x")


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"photometric": "MONOCHROME1"}, r"of kind MONOCHROME1, where 0 is white.* `bfconvert"),
        ({"SOPClassUID": CTImageStorage, "Modality": "CT"}, "not a whole-slide image .*CT"),
    ],
)
def test_what_cannot_be_shown_is_said(
    tmp_path: Path, attributes: dict[str, Any], reason: str
) -> None:
    path = write_dicom(tmp_path / "x.dcm", colours()[..., 1], **attributes)
    with pytest.raises(SlideUnsupported, match=reason):
        Slide(path, "x")


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"photometric": "YBR_FULL"}, r"colours of kind YBR_FULL cannot be read\. .*in RGB"),
        (
            {"photometric": "RGB", "PlanarConfiguration": 1},
            r"colours lie in planes.*PlanarConfiguration 1.*`bfconvert",
        ),
    ],
)
def test_uncompressed_colours_that_are_not_read_are_named(
    tmp_path: Path, attributes: dict[str, Any], reason: str
) -> None:
    """Nobody is told to decompress them."""
    path = write_dicom(tmp_path / "x.dcm", colours(), **attributes)
    with pytest.raises(SlideUnsupported, match=reason) as refused:
        Slide(path, "x")
    assert "gdcmconv" not in str(refused.value)


def test_a_codec_that_no_library_reads_is_decompressed(tmp_path: Path) -> None:
    path = write_dicom(
        tmp_path / "x.dcm", colours()[..., 1], syntax=MPEG2MPML, encode=lambda _: bytes(64)
    )
    with pytest.raises(SlideUnsupported, match=r"MPEG2 .*, which cannot be read\. `gdcmconv --raw"):
        Slide(path, "x")


def test_a_missing_identifier_is_named_and_the_file_not_called_damaged(tmp_path: Path) -> None:
    optics = Dataset()
    optics.ObjectiveLensPower = 20
    path = write_dicom(tmp_path / "x.dcm", colours()[..., 1], OpticalPathSequence=[optics])
    with pytest.raises(SlideUnsupported, match=r"no OpticalPathIdentifier.*`dcmodify"):
        Slide(path, "x")


def test_a_frame_of_several_pictures_is_not_drawn(tmp_path: Path) -> None:
    """JPEG XL may hold an animation."""
    path = write_dicom(
        tmp_path / "x.dcm", colours(), syntax=JPEG_XL_LOSSLESS, photometric="RGB",
        encode=lambda frame: imagecodecs.jpegxl_encode(np.stack([frame] * 2)),
    )  # fmt: skip
    file = DicomFile(path, "x")
    with pytest.raises(PixelsUnreadable):
        file.read(0, Region(0, 0, 10, 10))


def test_a_damaged_frame_is_damaged_and_others_are_not(tmp_path: Path) -> None:
    path = write_dicom(
        tmp_path / "x.dcm", grey(12), syntax=JPEGLSLossless, encode=imagecodecs.jpegls_encode,
        bits=12,
    )  # fmt: skip
    content = path.read_bytes()
    frame = content.index(b"\xff\xd8\xff\xf7")
    path.write_bytes(content[:frame] + bytes(40) + content[frame + 40 :])
    file = open_pyramid(path, "x")
    with pytest.raises(PixelsUnreadable):
        file.read(0, Region(0, 0, 10, 10))
    assert file.read(0, Region(70, 70, 10, 10)).shape == (10, 10, 4)


@pytest.mark.parametrize("length", [200, 900, 1300])
def test_a_cut_file_is_damaged(tmp_path: Path, length: int) -> None:
    path = write_dicom(tmp_path / "x.dcm", grey(12), bits=12)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(SlideUnopenable):
        read_facts(path, "x")


def test_without_wsidicom_the_package_is_named(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "x.dcm", grey(12), bits=12)
    program = (
        "import sys; sys.modules['wsidicom'] = None\n"
        "from pathlib import Path; from pathviewer.slides.slide import Slide\n"
        "try: Slide(Path(sys.argv[1]), 'x')\n"
        "except Exception as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert "MONOCHROME2, 12 bits), which needs the packages wsidicom" in said.stdout
