"""DICOM whole-slide images that OpenSlide does not read: grey, 12 bits, more codecs.

wsidicom, an optional package, finds frames in full or sparse tilings and decodes them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image

from pathviewer.slides import user_messages
from pathviewer.slides.dicom_reader import hold_one_export, read_dicom, series_files
from pathviewer.slides.errors import SlideGone, SlideUnsupported
from pathviewer.slides.formats.base import FileLevel, NotInFormat, PixelsUnreadable, UnusedPage
from pathviewer.slides.formats.decoded_tiles import DecodedTiles, reduce_bits
from pathviewer.slides.formats.stream_size import stream_size
from pathviewer.slides.geometry import Region

_WHOLE_SLIDE = pydicom.uid.VLWholeSlideMicroscopyImageStorage
_MOST_TILE_PIXELS = 2**24
"""Most pixels of a frame: 4096 x 4096."""

_COLOURS = ("RGB", "MONOCHROME2")
"""Uncompressed colour spaces that wsidicom reads."""

_UNCOMPRESSED = (
    pydicom.uid.ImplicitVRLittleEndian,
    pydicom.uid.ExplicitVRLittleEndian,
    pydicom.uid.ExplicitVRBigEndian,
    pydicom.uid.DeflatedExplicitVRLittleEndian,
)
_TAGS = [
    "SOPClassUID",
    "Modality",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsStored",
    "OpticalPathSequence",
]


class DicomFile:
    """A DICOM series opened with wsidicom."""

    def __init__(self, path: Path, name: str) -> None:
        """Open the series that `path` belongs to; `name` is the slide's name in messages.

        Raises SlideGone if there is no file, NotInFormat if it is not DICOM or damaged, and
        SlideUnsupported if its pixels cannot be shown.
        """
        if not path.exists():
            raise SlideGone(user_messages.slide_file_gone(name))
        header = read_dicom(path, _header)
        if header is None:
            raise NotInFormat
        _check_supported(header, name)
        self._decoded = DecodedTiles()
        paths = series_files(path)
        if not hold_one_export(paths):
            raise NotInFormat
        try:
            images = _images(paths)
        except MemoryError:
            raise
        except Exception as error:  # wsidicom raises many kinds for damaged files
            if isinstance(error, KeyError) and not _has_path_identifiers(header):
                raise SlideUnsupported(
                    user_messages.pixels_unsupported(name, user_messages.NO_PATH_IDENTIFIER)
                ) from error
            raise NotInFormat from error
        if not images["level"]:
            raise SlideUnsupported(
                user_messages.pixels_unsupported(name, f"{_describe(header)}{_unread(header)}")
            )
        self._header = header
        self._levels = images.pop("level")
        self._associated = {kind: instances[0] for kind, instances in images.items() if instances}
        self._check_levels(name)
        base = self._levels[0]
        self.levels = tuple(image.level(base) for image in self._levels)
        self.associated_images: tuple[str, ...] = tuple(self._associated)
        self.pixel_note = _note(base)
        self.properties = self._facts()

    def read(self, level: int, l_box: Region) -> NDArray[np.uint8]:
        """See `PyramidFile`."""
        return self._read(self._levels[level], level, l_box)

    def read_associated(self, name: str) -> Image.Image:
        """See `PyramidFile`."""
        image = self._associated[name]
        number = len(self._levels) + list(self._associated).index(name)
        pixels = self._read(image, number, Region(0, 0, image.width, image.height))
        return Image.fromarray(np.ascontiguousarray(pixels[..., [2, 1, 0, 3]]))

    def unused_pages(self, left_out: Sequence[UnusedPage]) -> Sequence[UnusedPage]:
        """See `PyramidFile`; the standard names the kind of every picture."""
        return left_out

    def icc_profile(self) -> bytes | None:
        """See `PyramidFile`."""
        path = _first(self._header.get("OpticalPathSequence"))
        profile = None if path is None else path.get("ICCProfile")
        return bytes(profile) if profile else None

    def close(self) -> None:
        """Do nothing: the files are closed with their last reference."""

    def _check_levels(self, name: str) -> None:
        for image in self._levels:
            wide, high = image.tile
            if wide < 1 or high < 1 or wide * high > _MOST_TILE_PIXELS:
                raise SlideUnsupported(user_messages.dicom_frames_too_large(name, wide, high))
        paths = self._levels[0].optical_paths
        if len(paths) > 1:
            raise SlideUnsupported(user_messages.several_optical_paths(name, paths))

    def _facts(self) -> dict[str, str]:
        base = self._levels[0]
        digest = hashlib.sha256("|".join(image.uid for image in self._levels).encode())
        facts = {"openslide.vendor": "dicom", "openslide.quickhash-1": digest.hexdigest()}
        if base.spacing is not None:
            facts["openslide.mpp-x"] = f"{base.spacing[0] * 1000:.9g}"
            facts["openslide.mpp-y"] = f"{base.spacing[1] * 1000:.9g}"
        path = _first(self._header.get("OpticalPathSequence"))
        power = None if path is None else path.get("ObjectiveLensPower")
        return facts if power is None else facts | {"openslide.objective-power": str(power)}

    def _read(self, image: _Image, number: int, l_box: Region) -> NDArray[np.uint8]:
        pixels = np.zeros((l_box.height, l_box.width, 4), np.uint8)
        for column, row in image.tiles(l_box):
            tile = self._tile(image, number, column, row)
            if tile is None:
                continue
            left, top = column * image.tile[0], row * image.tile[1]
            x, y = max(left, l_box.x), max(top, l_box.y)
            right = min(left + tile.shape[1], l_box.x + l_box.width, image.width)
            bottom = min(top + tile.shape[0], l_box.y + l_box.height, image.height)
            pixels[y - l_box.y : bottom - l_box.y, x - l_box.x : right - l_box.x] = tile[
                y - top : bottom - top, x - left : right - left
            ]
        return pixels

    def _tile(self, image: _Image, number: int, column: int, row: int) -> NDArray[np.uint8] | None:
        index = row * image.columns + column
        cached_tile = self._decoded.get(number, index)
        if cached_tile is not None:
            return cached_tile
        try:
            tile = image.decode(column, row)
        except (MemoryError, PixelsUnreadable):
            raise
        except Exception as error:  # wsidicom and its codecs raise many kinds
            raise PixelsUnreadable from error
        if tile is not None:
            self._decoded.put(number, index, tile)
        return tile


@dataclass(frozen=True)
class _Image:
    """An image of the series, such as a level."""

    data: Any
    """wsidicom's `ImageData`."""

    bits: int
    """Used bits of a value."""

    uid: str
    width: int
    height: int
    tile: tuple[int, int]
    """(width, height) of a frame."""

    spacing: tuple[float, float] | None
    """Millimetres per pixel along x and y."""

    optical_paths: list[str]
    focal_planes: list[float]

    @property
    def columns(self) -> int:
        """Number of frame columns."""
        return -(-self.width // self.tile[0])

    def level(self, base: _Image) -> FileLevel:
        """Return the image as a level; its spacing states its factors."""
        stated_downsample = None
        if self.spacing is not None and base.spacing is not None:
            stated_downsample = self.spacing[0] / base.spacing[0], self.spacing[1] / base.spacing[1]
        return FileLevel(self.width, self.height, stated_downsample, self.tile)

    def tiles(self, l_box: Region) -> Iterator[tuple[int, int]]:
        """Yield (column, row) of the frames that touch a box."""
        right = min(l_box.x + l_box.width, self.width)
        bottom = min(l_box.y + l_box.height, self.height)
        for row in range(max(0, l_box.y) // self.tile[1], -(-bottom // self.tile[1])):
            for column in range(max(0, l_box.x) // self.tile[0], -(-right // self.tile[0])):
                yield column, row

    def decode(self, column: int, row: int) -> NDArray[np.uint8] | None:
        """Return a frame as (height, width, 4) BGRA, `None` if the slide lacks it."""
        from wsidicom.geometry import Point

        place = Point(column, row), self.focal_planes[0], self.optical_paths[0]
        if self.data.is_sparse(*place):
            return None
        frame = self.data.get_encoded_tile(*place)
        size = stream_size(frame)
        if size is not None and (size[0] > self.tile[0] or size[1] > self.tile[1]):
            raise PixelsUnreadable
        decoded = self._decoded(frame)
        if decoded.size != self.tile[0] * self.tile[1] * self.data.samples_per_pixel:
            raise PixelsUnreadable  # JPEG XL may contain several images
        samples = decoded.reshape(self.tile[1], self.tile[0], -1)
        reduced = reduce_bits(samples, self.bits)
        out = np.full((*reduced.shape[:2], 4), 255, np.uint8)
        out[..., :3] = reduced[..., 2::-1] if reduced.shape[2] == 3 else reduced[..., :1]
        return out

    def _decoded(self, frame: bytes) -> NDArray[np.generic]:
        decoded: NDArray[np.generic]
        if self.data.transfer_syntax.is_encapsulated:
            decoded = self.data.decoder.decode(frame)
        else:
            order = "<" if self.data.transfer_syntax.is_little_endian else ">"
            kind = f"{order}u2" if self.bits > 8 else "u1"
            decoded = np.frombuffer(frame, kind)
        return decoded


def _header(file: Any) -> pydicom.Dataset:
    header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
    for name in _TAGS:
        header.get(name)  # pydicom converts an element on first access
    return header


def _check_supported(header: pydicom.Dataset, name: str) -> None:
    """Raise SlideUnsupported for images other than slides, and without wsidicom."""
    if header.get("SOPClassUID") != _WHOLE_SLIDE:
        modality = str(header.get("Modality") or "unknown")[:16]
        raise SlideUnsupported(user_messages.dicom_not_a_slide(name, modality))
    if find_spec("wsidicom") is None:
        raise SlideUnsupported(user_messages.dicom_needs_packages(name, _describe(header)))


def _describe(header: pydicom.Dataset) -> str:
    """Describe the pixels; the middle of a sentence."""
    syntax = header.file_meta.get("TransferSyntaxUID")
    codec = syntax.name if syntax is not None and syntax.name != syntax else "an unknown codec"
    kind = str(header.get("PhotometricInterpretation") or "unknown colours")[:16]
    bits = header.get("BitsStored") or "unknown"
    return user_messages.dicom_pixels(codec, kind, bits)


def _unread(header: pydicom.Dataset) -> str:
    """Return why wsidicom cannot read the pixels, and a remedy; the end of a sentence."""
    colours = str(header.get("PhotometricInterpretation") or "")[:16]
    syntax = header.file_meta.get("TransferSyntaxUID")
    if colours == "MONOCHROME1":
        return user_messages.MONOCHROME1_UNREADABLE
    if syntax not in _UNCOMPRESSED:
        return user_messages.DICOM_COMPRESSION_UNREADABLE
    if colours and colours not in _COLOURS:
        return user_messages.uncompressed_colours_unreadable(colours)
    if header.get("PlanarConfiguration") == 1:
        return user_messages.COLOURS_IN_PLANES
    return user_messages.OTHER_ATTRIBUTES


def _has_path_identifiers(header: pydicom.Dataset) -> bool:
    paths = header.get("OpticalPathSequence") or ()
    return all("OpticalPathIdentifier" in path for path in paths)


def _note(base: _Image) -> str | None:
    bits, grey = base.bits, base.data.samples_per_pixel == 1
    parts = [user_messages.pixel_kind(bits, grey)] if grey or bits > 8 else []
    if bits > 8:
        parts.append(user_messages.SHOWN_IN_8_BITS)
    if len(base.focal_planes) > 1:
        parts.append(user_messages.focal_plane_shown(len(base.focal_planes)))
    return ", ".join(parts) or None


def _images(paths: list[Path]) -> dict[str, list[_Image]]:
    """Return the images of a series by kind, the largest first."""
    from wsidicom.errors import WsiDicomNotFoundError
    from wsidicom.file import WsiDicomFileSource

    # its messages contain file names
    logging.getLogger("wsidicom").setLevel(logging.CRITICAL + 1)
    try:
        source = WsiDicomFileSource.open(paths)
    except WsiDicomNotFoundError:
        return {"level": []}
    kinds = {
        "level": source.level_instances,
        "label": source.label_instances,
        "macro": source.overview_instances,
        "thumbnail": source.thumbnail_instances,
    }
    return {
        kind: sorted(map(_image, instances), key=lambda image: -image.width * image.height)
        for kind, instances in kinds.items()
    }


def _image(instance: Any) -> _Image:
    data, spacing = instance.image_data, instance.pixel_spacing
    bits = int(data.bits)
    if not data.transfer_syntax.is_encapsulated:
        # wsidicom treats 12 bits as one byte when it locates frames
        for one in instance.datasets:
            plain = one.as_dataset()
            plain.BitsStored = plain.BitsAllocated
    size, tile = data.image_size, data.tile_size
    return _Image(
        data=data,
        bits=bits,
        uid=str(instance.identifier),
        width=int(size.width),
        height=int(size.height),
        tile=(int(tile.width), int(tile.height)),
        spacing=None if spacing is None else (float(spacing.width), float(spacing.height)),
        optical_paths=[str(path) for path in data.optical_paths],
        focal_planes=list(data.focal_planes),
    )


def _first(sequence: Any) -> Any:
    return sequence[0] if sequence else None
