"""TIFF and OME-TIFF beyond OpenSlide: more codecs, 9 to 16 bits, strips, SubIFDs.

tifffile reads the structure and imagecodecs, an optional package, decodes the pixels.
"""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pathviewer.slides import user_messages
from pathviewer.slides.colour_profile import MOST_PROFILE_BYTES
from pathviewer.slides.errors import DAMAGED_BYTES, SlideGone, SlideUnsupported
from pathviewer.slides.formats.base import (
    FileLevel,
    NotInFormat,
    PixelsUnreadable,
    ProfileUnreadable,
    UnusedPage,
)
from pathviewer.slides.formats.decoded_tiles import DecodedTiles, reduce_bits
from pathviewer.slides.formats.refusals import unsupported_tiff
from pathviewer.slides.formats.stream_size import stream_size
from pathviewer.slides.formats.tiff_facts import tiff_properties
from pathviewer.slides.formats.tiff_pages import (
    PALETTE,
    UNREADABLE_TIFF,
    WHITE_IS_ZERO,
    TiffPicture,
    picture_in,
    unused_page,
)
from pathviewer.slides.geometry import Region

_UNASSOCIATED = 2
"""TIFF's number for straight alpha; libtiff treats all other values as premultiplied."""

_ICC_PROFILE = 34675
_HASHED_BYTES = 2**20


class TiffFile:
    """A TIFF file opened with tifffile."""

    def __init__(self, path: Path, name: str) -> None:
        """Open `path`; `name` is the slide's name in messages.

        Raises SlideGone if there is no file, NotInFormat if it is not TIFF or damaged, and
        SlideUnsupported if its pixels cannot be shown.
        """
        self._decoded = DecodedTiles()
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SlideGone(user_messages.slide_file_gone(name)) from error
        weakref.finalize(self, os.close, self._fd)
        try:
            with tifffile.TiffFile(path) as tiff:
                picture = picture_in(tiff)
                if picture is None:
                    raise NotInFormat
                self._open_picture(picture, name)
        except UNREADABLE_TIFF as error:
            raise NotInFormat from error

    def _open_picture(self, picture: TiffPicture, name: str) -> None:
        fault = unsupported_tiff(picture)
        if fault is not None:
            raise SlideUnsupported(user_messages.pixels_unsupported(name, fault))
        self._picture = picture
        self._profile, self._profile_fault = _profile(picture.base)
        self._pages = [_Page(page, picture.bits) for page in picture.levels]
        others = {
            label: TiffPicture((page,), {}, 1, None, "")
            for label, page in picture.associated_pages.items()
        }
        faults = {label: unsupported_tiff(other) for label, other in others.items()}
        self._others = {
            label: _Page(other.base, other.bits)
            for label, other in others.items()
            if faults[label] is None
        }
        self._unused = tuple(
            unused_page(others[label].base, fault.rstrip("."))
            for label, fault in faults.items()
            if fault is not None
        )
        self.pixel_note = picture.note
        self.levels = tuple(page.level() for page in self._pages)
        self.associated_images: tuple[str, ...] = tuple(self._others)
        self.properties = tiff_properties(picture) | {"openslide.quickhash-1": self._hash()}

    def read(self, level: int, l_box: Region) -> NDArray[np.uint8]:
        """See `PyramidFile`."""
        return self._read(self._pages[level], level, l_box)

    def read_associated(self, name: str) -> Image.Image:
        """See `PyramidFile`."""
        page = self._others[name]
        box = Region(0, 0, page.width, page.height)
        number = len(self._pages) + list(self._others).index(name)
        pixels = self._read(page, number, box)
        return Image.fromarray(np.ascontiguousarray(pixels[..., [2, 1, 0, 3]]))

    def unused_pages(self, left_out: Sequence[UnusedPage]) -> Sequence[UnusedPage]:
        """See `PyramidFile`."""
        return (*left_out, *self._unused)

    def icc_profile(self) -> bytes | None:
        """See `PyramidFile`."""
        if self._profile_fault is not None:
            raise ProfileUnreadable(self._profile_fault)
        return self._profile

    def close(self) -> None:
        """Do nothing: the file is closed with the last reference to this object."""

    def _read(self, page: _Page, number: int, l_box: Region) -> NDArray[np.uint8]:
        pixels = np.zeros((l_box.height, l_box.width, 4), np.uint8)
        for index, left, top in page.segments(l_box):
            segment = self._segment(page, number, index)
            if segment is None:
                continue
            x, y = max(left, l_box.x), max(top, l_box.y)
            right = min(left + segment.shape[1], l_box.x + l_box.width, page.width)
            bottom = min(top + segment.shape[0], l_box.y + l_box.height, page.height)
            pixels[y - l_box.y : bottom - l_box.y, x - l_box.x : right - l_box.x] = segment[
                y - top : bottom - top, x - left : right - left
            ]
        return pixels

    def _segment(self, page: _Page, number: int, index: int) -> NDArray[np.uint8] | None:
        """Return a tile or strip as (height, width, 4) BGRA; `None` if the file lacks it."""
        cached_segment = self._decoded.get(number, index)
        if cached_segment is not None:
            return cached_segment
        try:
            planes = [self._plane(page, each) for each in page.planes(index)]
            there = [plane for plane in planes if plane is not None]
            if len(there) < len(planes):
                return None
            samples = np.concatenate(there, axis=-1)
            segment = page.as_bgra(samples)
        except MemoryError:
            raise
        except (tifffile.TiffFileError, RuntimeError, *DAMAGED_BYTES) as error:
            raise PixelsUnreadable from error
        self._decoded.put(number, index, segment)
        return segment

    def _plane(self, page: _Page, index: int) -> NDArray[np.generic] | None:
        offset, count = page.offsets[index], page.counts[index]
        if count == 0:
            return None
        if count > page.most_bytes:
            raise PixelsUnreadable
        data = os.pread(self._fd, count, offset)
        if len(data) < count or not page.fits(data):
            raise PixelsUnreadable
        return page.decode(data, index)

    def _hash(self) -> str:
        """Hash the description, level sizes, tile lengths and the coarsest level's first tiles."""
        digest = hashlib.sha256(self._picture.description.encode())
        for page in self._pages:
            digest.update(np.asarray((page.width, page.height), np.int64).tobytes())
            digest.update(np.asarray(page.counts, np.uint64).tobytes())
        last = self._pages[-1]
        bytes_left = _HASHED_BYTES
        for offset, count in zip(last.offsets, last.counts, strict=True):
            if bytes_left <= 0:
                break
            digest.update(os.pread(self._fd, min(count, bytes_left), offset))
            bytes_left -= count
        return digest.hexdigest()


def _profile(page: tifffile.TiffPage) -> tuple[bytes | None, str | None]:
    """Return (colour profile, reason why it cannot be read); each may be `None`."""
    tag = page.tags.get(_ICC_PROFILE)
    if tag is None:
        return None, None
    if tag.valuebytecount > MOST_PROFILE_BYTES:
        return None, user_messages.profile_too_large(MOST_PROFILE_BYTES)
    try:
        value = tag.value
    except UNREADABLE_TIFF:
        value = None
    return (value, None) if isinstance(value, bytes) else (None, user_messages.PROFILE_DAMAGED)


class _Page:
    """Data of a page that are needed after tifffile has closed the file."""

    def __init__(self, page: tifffile.TiffPage, bits: int) -> None:
        """Read the page; `bits` of each value are used."""
        self._bits = bits
        self.width, self.height = int(page.imagewidth), int(page.imagelength)
        self.is_tiled = bool(page.is_tiled)
        self._wide = int(page.tilewidth) if self.is_tiled else self.width
        rows = int(page.tilelength) if self.is_tiled else int(page.rowsperstrip)
        self._high = min(rows, max(self.height, 1)) if not self.is_tiled else rows
        self._columns = -(-self.width // self._wide)
        self._rows = -(-self.height // self._high)
        self._planes = int(page.samplesperpixel) if page.planarconfig == 2 else 1
        self.offsets, self.counts = page.dataoffsets, page.databytecounts
        samples = int(page.samplesperpixel)
        # incompressible data grow a little
        self.most_bytes = 2 * self._wide * self._high * samples * 2 + 65_536
        self._photometric = int(page.photometric)
        self._extra = tuple(int(kind) for kind in page.extrasamples)
        self._colormap = page.colormap if self._photometric == PALETTE else None
        self._tables: bytes | None = page.jpegtables
        self._header: bytes | None = page.jpegheader
        self._decode = page.decode

    def level(self) -> FileLevel:
        """Return the page as a level; SubIFDs and strips state no factor."""
        tile = (self._wide, self._high) if self.is_tiled else None
        return FileLevel(self.width, self.height, None, tile)

    def segments(self, l_box: Region) -> Iterator[tuple[int, int, int]]:
        """Yield (index, left, top) of tiles or strips that touch a box."""
        right, bottom = (
            min(l_box.x + l_box.width, self.width),
            min(l_box.y + l_box.height, self.height),
        )
        for row in range(max(0, l_box.y) // self._high, -(-bottom // self._high)):
            for column in range(max(0, l_box.x) // self._wide, -(-right // self._wide)):
                yield row * self._columns + column, column * self._wide, row * self._high

    def planes(self, index: int) -> list[int]:
        """Return indexes of the parts of a tile or strip, one for each colour plane."""
        return [index + plane * self._columns * self._rows for plane in range(self._planes)]

    def fits(self, data: bytes) -> bool:
        """Return whether a stream does not claim to be larger than its tile."""
        size = stream_size(data)
        return size is None or (size[0] <= self._wide and size[1] <= self._high)

    def decode(self, data: bytes, index: int) -> NDArray[np.generic]:
        """Return (height, width, samples) of a tile or strip, in the file's own bits."""
        options = {"jpegtables": self._tables, "jpegheader": self._header}
        decoded, _, shape = self._decode(
            data, index, **{name: value for name, value in options.items() if value is not None}
        )
        if decoded is None or any(count > 1 for count in decoded.shape[:-3]):
            raise PixelsUnreadable  # JPEG XL may contain several frames
        samples: NDArray[np.generic] = decoded.reshape(decoded.shape[-3:])
        if samples.shape[:2] != tuple(shape[1:3]):
            # a tile at the edge may be stored without the part beyond
            filled = np.zeros((*shape[1:3], samples.shape[2]), samples.dtype)
            filled[: samples.shape[0], : samples.shape[1]] = samples
            return filled
        return samples

    def as_bgra(self, samples: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Convert samples in the file's own bits to (height, width, 4) 8-bit BGRA.

        Colours are premultiplied by alpha.
        """
        bits = self._bits
        if self._colormap is not None:
            samples, bits = np.moveaxis(self._colormap[:, samples[..., 0]], 0, -1), 16
        reduced = reduce_bits(samples, bits)
        colours = 1 if self._photometric in (0, 1) else 3
        out = np.full((*reduced.shape[:2], 4), 255, np.uint8)
        out[..., :3] = reduced[..., colours - 1 :: -1] if colours == 3 else reduced[..., :1]
        if self._photometric == WHITE_IS_ZERO:
            out[..., :3] = 255 - out[..., :3]
        if reduced.shape[2] > colours:
            out[..., 3] = reduced[..., colours]
            if self._extra[:1] == (_UNASSOCIATED,):
                alpha = out[..., 3:].astype(np.uint16)
                out[..., :3] = (out[..., :3] * alpha + 127) // 255
        return out
