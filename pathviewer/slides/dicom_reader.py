"""Reading of possibly damaged files that may or may not be DICOM."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from pydicom import dcmread
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag

from pathviewer.slides.errors import DAMAGED_BYTES

Result = TypeVar("Result")

_SERIES = Tag("SeriesInstanceUID")
_UID_LENGTH = 64
"""Longest UID that DICOM allows."""

_SPACING_TAGS = [
    "ImageType",
    "TotalPixelMatrixColumns",
    "TotalPixelMatrixRows",
    "SharedFunctionalGroupsSequence",
]

_UNREADABLE = (
    InvalidDicomError,
    BytesLengthException,
    NotImplementedError,
    *DAMAGED_BYTES,
    zlib.error,
)
"""Errors that pydicom raises on damaged and non-DICOM files; determined with random files."""


def read_dicom(path: Path, parse: Callable[[BinaryIO], Result]) -> Result | None:
    """Return the result of `parse`, `None` if the file is missing, damaged or not DICOM.

    pydicom converts an element on first access, so `parse` must return plain values.
    """
    try:
        with path.open("rb") as file:
            return parse(file)
    except _UNREADABLE:
        return None


def series_in(path: Path) -> str | None:
    """Return the SeriesInstanceUID; `None` if there is none or the file is not DICOM.

    Reads no further than that element.
    """
    return read_dicom(path, _series)


def identity_in(path: Path) -> tuple[str | None, str | None]:
    """Return (SeriesInstanceUID, SOPInstanceUID) of a DICOM file; `None` for missing ones.

    Reads no further than these elements.
    """
    return read_dicom(path, _identity) or (None, None)


def hold_one_export(paths: Sequence[Path]) -> bool:
    """Return whether no two files of a series are the same level, so that all may be of one export.

    A level divided into several files is marked as such (ConcatenationUID) and allowed.
    """
    levels = [read_dicom(path, _level) for path in paths]
    known_levels = [level for level in levels if level is not None]
    return len(set(known_levels)) == len(known_levels)


def frames_lie_inside(path: Path) -> bool:
    """Return whether all Extended Offset Tables in the folder of a DICOM file stay in their files.

    OpenSlide 4.0.1 ends the whole process when it reads a frame outside the file. Raises OSError.
    """
    series = series_in(path)
    files = [file for file in path.parent.iterdir() if file.is_file()]
    return not any(read_dicom(file, _leads_out) for file in files if series_in(file) == series)


def _leads_out(file: BinaryIO) -> bool:
    header = dcmread(file, stop_before_pixels=True, specific_tags=["ExtendedOffsetTable"])
    pixels = file.tell()
    table = np.frombuffer(header.get("ExtendedOffsetTable") or b"", "<u8")
    return bool(table.size and int(table.max()) + pixels >= file.seek(0, os.SEEK_END))


def _series(file: BinaryIO) -> str | None:
    header = read_partial(file, stop_when=_after_series, specific_tags=[_SERIES])
    return str(header.get("SeriesInstanceUID") or "") or None


def _identity(file: BinaryIO) -> tuple[str | None, str | None]:
    tags: list[BaseTag | int] = [_SERIES, Tag("SOPInstanceUID")]
    header = read_partial(file, stop_when=_after_series, specific_tags=tags)
    instance = str(header.get("SOPInstanceUID") or "")
    series = str(header.get("SeriesInstanceUID") or "") or None
    return series, instance if 0 < len(instance) <= _UID_LENGTH else None


def _level(file: BinaryIO) -> tuple[str, ...] | None:
    """Return what distinguishes pyramid levels; `None` for a part of a level and for labels."""
    names = [
        "ImageType",
        "TotalPixelMatrixColumns",
        "TotalPixelMatrixRows",
        "OpticalPathIdentifier",
    ]
    header = dcmread(file, stop_before_pixels=True, specific_tags=[*names, "ConcatenationUID"])
    if "VOLUME" not in (header.get("ImageType") or ()) or header.get("ConcatenationUID"):
        return None
    return tuple(str(header.get(name)) for name in names)


def _after_series(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return bool(tag > _SERIES)


def level_spacings(path: Path) -> dict[tuple[int, int], tuple[float, float]]:
    """Return millimetres per pixel along x and y of a DICOM slide's levels, by (width, height).

    `path` is one of the slide's files, all of which are in one folder. Levels whose spacing is
    missing or not positive are omitted, as are sizes shared by two levels.
    """
    spacings: dict[tuple[int, int], tuple[float, float]] = {}
    shared: set[tuple[int, int]] = set()
    for other in series_files(path):
        level = read_dicom(other, _spacing)
        if level is not None:
            size, spacing = level
            shared |= {size} & spacings.keys()
            spacings[size] = spacing
    return {size: spacing for size, spacing in spacings.items() if size not in shared}


def series_files(path: Path) -> list[Path]:
    """Return the sorted files of a DICOM file's series in its folder, itself included."""
    series = series_in(path)
    return [] if series is None else [o for o in _files_beside(path) if series_in(o) == series]


def _files_beside(path: Path) -> list[Path]:
    try:
        return sorted(other for other in path.parent.iterdir() if other.is_file())
    except OSError:
        return []


def _spacing(file: BinaryIO) -> tuple[tuple[int, int], tuple[float, float]] | None:
    """Return ((width, height), (x, y) spacing in mm) of a level; `None` for other pictures."""
    header = dcmread(file, stop_before_pixels=True, specific_tags=_SPACING_TAGS)
    groups = header.get("SharedFunctionalGroupsSequence")
    measures = groups[0].get("PixelMeasuresSequence") if groups else None
    spacing = measures[0].get("PixelSpacing") if measures else None
    columns, rows = header.get("TotalPixelMatrixColumns"), header.get("TotalPixelMatrixRows")
    if not spacing or not columns or not rows or "VOLUME" not in (header.get("ImageType") or ()):
        return None
    down, across = (float(value) for value in spacing)
    if not (math.isfinite(across) and math.isfinite(down) and across > 0 and down > 0):
        return None
    return (int(columns), int(rows)), (across, down)
