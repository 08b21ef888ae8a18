"""DICOM whole-slide images, each a folder of one series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
)

from tests import dicom_files, slide_files
from tests.corpus.odd_slide import OddSlide, Served, Writer, picture
from tests.corpus.samples import grey, seen_grey
from tests.slide_files import Pixels

_MPP = (dicom_files.MPP, dicom_files.MPP)
_SERVED = Served(mpp=_MPP)
_MARKERS_OF_JFIF_AND_ADOBE = (0xE0, 0xEE)


def _series(**options: Any) -> Writer:
    def write(folder: Path) -> Sequence[Pixels]:
        levels = picture(folder, 4)
        dicom_files.write_dicom(folder, levels=levels, name=f"{folder.name}-", **options)
        return levels

    return write


def _monochrome(folder: Path) -> Sequence[Pixels]:
    levels = [grey(level) for level in picture(folder, 4)]
    dicom_files.write_dicom(
        folder, slide_files.grey_jpeg, "MONOCHROME2", levels=levels, name=f"{folder.name}-"
    )
    return [seen_grey(level) for level in levels]


def _sparse(folder: Path) -> Sequence[Pixels]:
    """Of level 0 the second row of tiles is missing."""
    levels = picture(folder, 4)
    levels[0] = levels[0].copy()
    levels[0][64:128] = 255
    levels = slide_files.pyramid(levels[0], 4)

    def pack(instance: Any, frames: list[bytes]) -> None:
        missing = range(5, 10) if instance.InstanceNumber == 1 else ()
        dicom_files.sparse(missing)(instance, frames)

    dicom_files.write_dicom(folder, levels=levels, pack=pack, name=f"{folder.name}-")
    return levels


def _padded(folder: Path) -> Sequence[Pixels]:
    """Coarse levels filled up to whole tiles, the spacing rounded: libdicom#79."""
    levels = picture(folder, 2, 4)
    margins = [[(0, -side % 64) for side in level.shape[:2]] + [(0, 0)] for level in levels]
    padded = [
        np.pad(level, margin, constant_values=255)
        for level, margin in zip(levels, margins, strict=True)
    ]
    dicom_files.write_dicom(
        folder,
        levels=[levels[0], *padded[1:]],
        spacings=[(0.5, 0.5), (1.0, 1.0), (2.00002, 2.00002)],
        name=f"{folder.name}-",
    )
    return levels


def _copied_spacing(folder: Path) -> Sequence[Pixels]:
    return _series(spacings=[_MPP, _MPP])(folder)


def _oblong(folder: Path) -> Sequence[Pixels]:
    return _series(spacings=[(0.25, 0.5), (1.0, 2.0)])(folder)


def _without_ending(path: Path) -> Sequence[Pixels]:
    """One level in a file whose name says nothing."""
    folder = path.with_name(f"{path.name}-series")
    levels = picture(path)
    dicom_files.write_dicom(folder, levels=levels).rename(path)
    folder.rmdir()
    return levels


def _rgb_jpeg(tile: Pixels) -> bytes:
    return slide_files.rgb_jpeg(tile)


def _name(kind: str) -> str:
    return f"dicom-{kind}-0.dcm"


DICOM = (
    OddSlide(_name("basic"), "a basic offset table, as most have", _series(), _SERVED),
    OddSlide(
        _name("without-table"),
        "an empty offset table, as converters that stream write it",
        _series(pack=dicom_files.without_table),
        _SERVED,
    ),
    OddSlide(
        _name("extended"),
        "the extended offset table of files beyond 4 GiB",
        _series(pack=dicom_files.with_extended_table),
        _SERVED,
    ),
    OddSlide(
        _name("two-fragments"),
        "frames in two pieces, which pass on in none",
        _series(pack=dicom_files.in_two_fragments),
        _SERVED,
    ),
    OddSlide(
        _name("uncompressed"),
        "frames as plain samples",
        _series(
            encode=lambda part: part.tobytes(),
            photometric="RGB",
            pack=dicom_files.native,
            syntax=ExplicitVRLittleEndian,
        ),
        _SERVED,
    ),
    OddSlide(
        _name("rgb-jpeg"),
        "FIELD B: RGB components without a word in the stream",
        _series(encode=_rgb_jpeg, photometric="RGB"),
        _SERVED,
    ),
    OddSlide(
        _name("jpeg2000"),
        "JPEG 2000 without loss",
        _series(encode=slide_files.jpeg2000, photometric="YBR_RCT", syntax=JPEG2000Lossless),
        _SERVED,
    ),
    OddSlide(
        _name("sparse"),
        "frames in any order, some of them left out: libdicom's TILED_SPARSE",
        _sparse,
        _SERVED,
    ),
    OddSlide(
        _name("padded"),
        "FIELD A: libdicom#79, levels padded to whole tiles",
        _padded,
        Served(factors=(1, 2, 4), mpp=_MPP, tolerance=20),
    ),
    OddSlide(
        _name("copied-spacing"),
        "FIELD A: a converter copied the spacing of level 0 to all levels",
        _copied_spacing,
        _SERVED,
    ),
)

OBLONG = (
    OddSlide(
        _name("oblong"),
        "FIELD C: pixels twice as high as wide",
        _oblong,
        Served(mpp=(0.25, 0.5), tolerance=10),
    ),
)

BEYOND_OPENSLIDE = (
    OddSlide(
        _name("grey"),
        "FIELD D: slim#95, one sample a pixel",
        _monochrome,
        Served(mpp=_MPP, words="8-bit grey"),
    ),
    OddSlide(
        "dicom-without-ending",
        "FIELD I: dicomviewer#146",
        _without_ending,
        Served(factors=(1,), mpp=_MPP),
    ),
)
