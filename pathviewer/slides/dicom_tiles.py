"""Compressed frames of DICOM whole-slide images, read unchanged from their files.

DICOM part 3, C.7.6.17 (tiling); part 5, A.4 (encapsulation). Every frame is a complete JPEG.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.encaps import parse_basic_offsets, parse_fragments
from pydicom.uid import JPEGBaseline8Bit

from pathviewer.slides.dicom_reader import read_dicom, series_in
from pathviewer.slides.jpeg_header import read_tile_header, tile_prefix
from pathviewer.slides.raw_tiles import MOST_TILES, RawFile, RawLevel, is_tile_size
from pathviewer.slides.slide import Slide

_PIXEL_DATA = b"\xe0\x7f\x10\x00"
_ELEMENT_HEADER, _ITEM_HEADER = 12, 8
_BASIC_BYTES = 4
"""Bytes of each entry in a Basic Offset Table."""

_ITEM = b"\xfe\xff\x00\xe0"
_SAMPLED_FRAMES = 16
"""Frames whose item headers are compared with the offset table."""

_RGB = {"RGB": True, "YBR_FULL_422": False, "YBR_FULL": False}


@dataclass(frozen=True)
class _Instance:
    """A DICOM file whose JPEG frames are in grid order."""

    path: Path
    """The file."""

    pixels: int
    """Offset of the pixel data element in the file."""

    size: tuple[int, int]
    """(width, height) of the level."""

    tile: tuple[int, int]
    """(width, height) of a frame."""

    rgb: bool | None
    """Whether the frames' three components are RGB; `None` for one component."""

    table: tuple[bytes, bytes] | None
    """Offsets and lengths of the frames as packed 64-bit numbers, if in the file."""


def dicom_levels(slide: Slide) -> dict[int, RawLevel]:
    """Return the levels of a DICOM slide whose frames can be served unchanged, by level index.

    The caller must verify that the frames show the same as OpenSlide.
    """
    series = series_in(slide.path)
    if series is None:
        return {}
    instances = list(_instances(slide.path.parent, series))
    levels = {}
    for index, level in enumerate(slide.levels):
        same = [instance for instance in instances if instance.size == level.stored]
        raw = _raw_level(same[0]) if len(same) == 1 else None
        if raw is not None:
            levels[index] = raw
    return levels


def _instances(folder: Path, series: str) -> Iterator[_Instance]:
    """Yield the levels of a series; like OpenSlide, skip unreadable files silently."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return
    for path in paths:
        if series_in(path) == series:
            instance = read_dicom(path, partial(_instance, path))
            if instance is not None:
                yield instance


def _instance(path: Path, file: BinaryIO) -> _Instance | None:
    header = pydicom.dcmread(file, stop_before_pixels=True)
    pixels = file.tell()
    if not _is_plain(header):
        return None
    size = int(header.TotalPixelMatrixColumns), int(header.TotalPixelMatrixRows)
    tile = int(header.Columns), int(header.Rows)
    frames = -(-size[0] // tile[0]) * -(-size[1] // tile[1])
    if int(header.get("NumberOfFrames", 1)) != frames or frames > MOST_TILES:
        return None
    extended = header.get("ExtendedOffsetTable")
    table = None if extended is None else (extended, header.ExtendedOffsetTableLengths)
    rgb = _RGB.get(header.PhotometricInterpretation)
    return _Instance(path, pixels, size, tile, rgb, table)


def _is_plain(header: pydicom.Dataset) -> bool:
    """Return whether the file is a level with JPEG frames in grid order."""
    return (
        header.file_meta.get("TransferSyntaxUID") == JPEGBaseline8Bit
        and "VOLUME" in (header.get("ImageType") or ())
        and header.get("DimensionOrganizationType") == "TILED_FULL"
        and header.get("TotalPixelMatrixFocalPlanes", 1) == 1
        and header.get("NumberOfOpticalPaths", 1) == 1
        and header.get("ConcatenationUID") is None
        and header.get("BitsAllocated") == 8
        and header.get("PhotometricInterpretation") in {*_RGB, "MONOCHROME2"}
        and header.get("TotalPixelMatrixColumns") is not None
        and header.get("TotalPixelMatrixRows") is not None
        and is_tile_size(header.get("Columns") or 0, header.get("Rows") or 0)
    )


def _raw_level(instance: _Instance) -> RawLevel | None:
    columns = -(-instance.size[0] // instance.tile[0])
    frames = columns * -(-instance.size[1] // instance.tile[1])
    places = read_dicom(instance.path, lambda file: _places(file, instance, frames))
    try:
        file = RawFile(instance.path)
        head = None if places is None else file.first_bytes(*places)
    except OSError:
        # the file has disappeared since it was listed
        return None
    header = None if head is None else read_tile_header(head, instance.rgb, instance.tile)
    if places is None or header is None:
        return None
    return RawLevel(file, tile_prefix(header), header, columns, *places)


def _places(
    file: BinaryIO, instance: _Instance, frames: int
) -> tuple[array[int], array[int]] | None:
    """Return (first bytes, lengths) of all frames; `None` unless each is one fragment."""
    file.seek(instance.pixels)
    if file.read(_ELEMENT_HEADER)[:4] != _PIXEL_DATA:
        return None
    table = file.tell()
    if _item_length(file, table) not in (0, _BASIC_BYTES * frames):
        return None
    file.seek(table)
    basic = parse_basic_offsets(file)
    start = file.tell()
    if instance.table is not None:
        starts, counts = (array("Q", packed) for packed in instance.table)
    elif basic:
        starts = array("Q", basic)
        counts = _gaps(file, start, starts)
    else:
        _, fragments = parse_fragments(file)
        starts = array("Q", (place - start for place in fragments))
        counts = _gaps(file, start, starts)
    offsets = array("Q", (start + place + _ITEM_HEADER for place in starts))
    if len(offsets) != frames or len(counts) != frames or not _agree(file, offsets, counts):
        return None
    return offsets, counts


def _gaps(file: BinaryIO, start: int, starts: array[int]) -> array[int]:
    """Return frame lengths, each up to the next frame; the last one's from its own header."""
    gaps = array("Q", (b - a - _ITEM_HEADER for a, b in pairwise(starts)))
    gaps.append(_item_length(file, start + starts[-1]))
    return gaps


def _agree(file: BinaryIO, offsets: array[int], counts: array[int]) -> bool:
    """Return whether sampled frames are one fragment each, of the length in the table."""
    step = max(1, len(offsets) // _SAMPLED_FRAMES)
    return all(
        _item_length(file, offsets[i] - _ITEM_HEADER) - counts[i] in (0, 1)
        for i in range(0, len(offsets), step)
    )


def _item_length(file: BinaryIO, place: int) -> int:
    file.seek(place)
    header = file.read(_ITEM_HEADER)
    if header[:4] != _ITEM:
        raise ValueError(f"no item at {place}")
    return int(struct.unpack("<I", header[4:])[0])
