"""Small valid slides of several formats, to be damaged."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pydicom
import tifffile
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import JPEG2000, UID, JPEGBaseline8Bit

from pathviewer.slides.encoded_dicom import write_encoded_dicom
from pathviewer.slides.encoded_tiff import (
    APERIO_JPEG2000,
    JPEG,
    RGB,
    TIFF_JPEG2000,
    WEBP,
    YCBCR,
    EncodedPage,
    write_encoded_tiff,
)
from pathviewer.slides.file_extensions import may_be_slide

Pixels = NDArray[np.uint8]
Encode = Callable[[Pixels], bytes]

WIDTH, HEIGHT, TILE, REDUCED = 300, 217, 64, 4
LARGEST_SEED = 64 * 2**20
"""Largest seed, bytes; each copy is damaged in memory and written whole."""


@dataclass(frozen=True)
class SlideSeed:
    """A valid slide of one file."""

    name: str
    """Name in reports."""
    suffix: str
    """File extension with its dot."""
    content: bytes
    """Content of the file."""
    series: bytes = b""
    """DICOM's SeriesInstanceUID, which groups files; empty for other formats."""

    def copy(self, source: Random) -> bytes:
        """Return the content; a DICOM copy gets its own series."""
        if not self.series:
            return self.content
        digits = re.sub(rb"\d", lambda _: b"%d" % source.randint(1, 9), self.series[5:])
        return self.content.replace(self.series, self.series[:5] + digits)


def read_seeds(folder: Path) -> list[SlideSeed]:
    """Return the single-file slides of a folder, without hidden ones and those over 64 MiB."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and may_be_slide(path.name))
    return [_seed(path) for path in paths if path.stat().st_size <= LARGEST_SEED]


def make_seeds() -> list[SlideSeed]:
    """Return one seed of each format that can be written here."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for write in WRITERS:
            write(folder)
        return read_seeds(folder)


def _seed(path: Path) -> SlideSeed:
    content, series = path.read_bytes(), b""
    if path.suffix.lower() == ".dcm":
        found = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"])
        series = str(found.SeriesInstanceUID).encode()
    return SlideSeed(path.name.partition(".")[0], path.suffix, content, series)


def _tissue() -> Pixels:
    """Return smooth pink and violet shapes on white, (height, width, 3) RGB."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    waves = np.cos(0.05 * x + 0.02 * y) + np.cos(0.03 * y - 0.04 * x + 2)
    amount = np.clip(waves / 2, 0, 1)[..., None]
    density = amount * np.array([0.65, 0.9, 0.3], np.float32)
    pixels: Pixels = (255 * np.exp(-density)).astype(np.uint8)
    return pixels


def _levels() -> list[Pixels]:
    """Return a pyramid of two levels."""
    pixels = _tissue()
    return [pixels, np.asarray(Image.fromarray(pixels).reduce(REDUCED))]


def _tiles(pixels: Pixels) -> Iterator[Pixels]:
    """Yield tiles row by row; edge tiles are padded with black."""
    height, width = pixels.shape[:2]
    filled = np.zeros((-(-height // TILE) * TILE, -(-width // TILE) * TILE, 3), np.uint8)
    filled[:height, :width] = pixels
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            yield filled[top : top + TILE, left : left + TILE]


def _encoder(kind: str, **options: Any) -> Encode:
    def encode(tile: Pixels) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(tile).save(buffer, kind, **options)
        return buffer.getvalue()

    return encode


_JPEG = _encoder("JPEG", quality=85, subsampling="4:2:0")
_JPEG2000 = _encoder("JPEG2000", no_jp2=True)
_WEBP = _encoder("WEBP", quality=80)


def _write_encoded(path: Path, encode: Encode, compression: int, colour: int, text: str) -> None:
    pages = [
        EncodedPage(level.shape[1], level.shape[0], TILE, map(encode, _tiles(level)))
        for level in _levels()
    ]
    write_encoded_tiff(path, pages, compression=compression, photometric=colour, description=text)


def _aperio(rest: str) -> str:
    size = f"{WIDTH}x{HEIGHT}"
    head = f"Aperio Image Library v11.2.1 \r\n{size} [0,0 {size}] ({TILE}x{TILE}) "
    return f"{head}{rest} Q=85|AppMag = 20|MPP = 0.5000"


def _svs(folder: Path) -> None:
    _write_encoded(folder / "svs.svs", _JPEG, JPEG, YCBCR, _aperio("JPEG/YCC"))


def _svs_jpeg2000(folder: Path) -> None:
    path = folder / "svs-jpeg2000.svs"
    _write_encoded(path, _JPEG2000, APERIO_JPEG2000, RGB, _aperio("J2K/KDU"))


def _generic_jpeg(folder: Path) -> None:
    _write_encoded(folder / "tiff-jpeg.tif", _JPEG, JPEG, YCBCR, "")


def _generic_deflate(folder: Path) -> None:
    _write_plain(folder / "tiff-deflate.tif", compression="deflate")


def _trestle(folder: Path) -> None:
    text = "Background Color=FFFFFF;Objective Power=20;JPEG Quality=80;OverlapsXY=0 0 0 0"
    _write_plain(folder / "trestle.tif", software="MedScan", description=text)


def _write_plain(path: Path, **options: Any) -> None:
    with tifffile.TiffWriter(path) as tiff:
        for index, pixels in enumerate(_levels()):
            tiff.write(
                pixels,
                tile=(TILE, TILE),
                photometric="rgb",
                subfiletype=index,
                metadata=None,
                **options,
            )


def _ome(folder: Path) -> None:
    """Write an OME-TIFF whose coarser level is a sub-page of the finer one."""
    fine, coarse = _levels()
    with tifffile.TiffWriter(folder / "ome.ome.tif", ome=True) as tiff:
        about = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
        page: dict[str, Any] = {
            "tile": (TILE, TILE),
            "photometric": "rgb",
            "compression": "deflate",
        }
        tiff.write(fine, subifds=1, metadata=about, **page)
        tiff.write(coarse, subfiletype=1, **page)


def _tiff_webp(folder: Path) -> None:
    _write_encoded(folder / "tiff-webp.tif", _WEBP, WEBP, RGB, "")


def _tiff_jpeg2000(folder: Path) -> None:
    _write_encoded(folder / "tiff-jpeg2000.tif", _JPEG2000, TIFF_JPEG2000, RGB, "")


def _strips(folder: Path) -> None:
    path = folder / "strips.tif"
    tifffile.imwrite(path, _tissue(), rowsperstrip=16, compression="deflate", metadata=None)


def _ome_grey(folder: Path) -> None:
    """Write an OME-TIFF with 12 of 16 bits used, as its XML states."""
    grey = _tissue()[..., 1].astype(np.uint16) << 4
    page: dict[str, Any] = {"tile": (TILE, TILE), "compression": "deflate"}
    with tifffile.TiffWriter(folder / "ome-grey.ome.tif", ome=True) as tiff:
        tiff.write(grey, subifds=1, metadata={"SignificantBits": 12}, **page)
        tiff.write(grey[::REDUCED, ::REDUCED], subfiletype=1, **page)


def _dicom_grey(folder: Path) -> None:
    def encode(tile: Pixels) -> bytes:
        return _JPEG(tile[..., 1])

    _write_dicom(folder / "dicom-grey.dcm", encode, JPEGBaseline8Bit, "MONOCHROME2", samples=1)


def _dicom_jpeg(folder: Path) -> None:
    _write_dicom(folder / "dicom-jpeg.dcm", _JPEG, JPEGBaseline8Bit, "YBR_FULL_422")


def _dicom_jpeg2000(folder: Path) -> None:
    _write_dicom(folder / "dicom-jpeg2000.dcm", _JPEG2000, JPEG2000, "RGB")


def _write_dicom(path: Path, encode: Encode, syntax: UID, colour: str, samples: int = 3) -> None:
    """Write a DICOM series of one file and level."""
    frames = [encode(tile) for tile in _tiles(_tissue())]
    size = WIDTH, HEIGHT
    write_encoded_dicom(path, frames, size, TILE, syntax=syntax, colour=colour, samples=samples)


WRITERS = (
    _svs,
    _svs_jpeg2000,
    _generic_jpeg,
    _generic_deflate,
    _trestle,
    _ome,
    _tiff_webp,
    _tiff_jpeg2000,
    _strips,
    _ome_grey,
    _dicom_grey,
    _dicom_jpeg,
    _dicom_jpeg2000,
)
