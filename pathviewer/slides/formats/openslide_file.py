"""Slides in the formats that OpenSlide reads."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from ctypes import c_uint32
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openslide import OpenSlideError, OpenSlideUnsupportedFormatError, lowlevel
from PIL import Image

from pathviewer.slides import user_messages
from pathviewer.slides.colour_profile import MOST_PROFILE_BYTES
from pathviewer.slides.dicom_reader import frames_lie_inside, level_spacings
from pathviewer.slides.errors import SlideGone, SlideUnopenable
from pathviewer.slides.formats.base import (
    FileLevel,
    PixelsUnreadable,
    ProfileUnreadable,
    UnusedPage,
)
from pathviewer.slides.formats.tiff_pages import pages_beyond
from pathviewer.slides.geometry import Region

_TIFF_VENDORS = ("aperio", "generic-tiff")
"""Formats of which OpenSlide passes over pages without a word."""

_log = logging.getLogger(__name__)

_DECODED_BYTES = 32 * 2**20
"""OpenSlide's cache of decoded tiles, for all open slides."""


@cache
def _shared_cache() -> lowlevel._OpenSlideCache:
    return lowlevel.cache_create(_DECODED_BYTES)


class FramesDamaged(SlideUnopenable):
    """A DICOM file lists frames outside itself; no library may read it."""


class OpenSlideFile:
    """A file opened with OpenSlide. After an error, it must be opened again."""

    def __init__(self, path: Path, name: str) -> None:
        """Open `path`; `name` is the slide's name in messages.

        Raises SlideGone if there is no file, SlideUnopenable if OpenSlide cannot open it.
        """
        self.pixel_note: str | None = None
        self._path = path
        self._handle = _open(path, name)
        names = lowlevel.get_property_names(self._handle)
        self.properties = {
            name: lowlevel.get_property_value(self._handle, name) or "" for name in names
        }
        self._spacings: dict[tuple[int, int], tuple[float, float]] = {}
        if self.properties["openslide.vendor"] == "dicom":
            _check_frames(path, name)
            self._spacings = level_spacings(path)
        count = lowlevel.get_level_count(self._handle)
        self._downsamples = [
            lowlevel.get_level_downsample(self._handle, index) for index in range(count)
        ]
        self.levels = tuple(self._level(index) for index in range(count))
        self.associated_images: tuple[str, ...] = tuple(
            lowlevel.get_associated_image_names(self._handle)
        )

    def read(self, level: int, l_box: Region) -> NDArray[np.uint8]:
        """See `PyramidFile`; OpenSlide requires a whole level-0 pixel as origin."""
        buffer = (l_box.width * l_box.height * c_uint32)()
        # OpenSlide divides by its own downsample, whatever the level's true factors are
        downsample = self._downsamples[level]
        x, y = round(l_box.x * downsample), round(l_box.y * downsample)
        try:
            lowlevel._read_region(self._handle, buffer, x, y, level, l_box.width, l_box.height)
        except OpenSlideError as error:
            raise PixelsUnreadable from error
        pixels: NDArray[np.uint8] = np.ctypeslib.as_array(buffer).view(np.uint8)
        pixels = pixels.reshape(l_box.height, l_box.width, 4)
        file_level = self.levels[level]
        if l_box.x + l_box.width == file_level.width:
            _make_opaque(pixels[:, -1], x / downsample - l_box.x)
        if l_box.y + l_box.height == file_level.height:
            _make_opaque(pixels[-1], y / downsample - l_box.y)
        return pixels

    def read_associated(self, name: str) -> Image.Image:
        """See `PyramidFile`."""
        try:
            return lowlevel.read_associated_image(self._handle, name)
        except OpenSlideError as error:
            raise PixelsUnreadable from error

    def unused_pages(self, left_out: Sequence[UnusedPage]) -> Sequence[UnusedPage]:
        """See `PyramidFile`."""
        if self.properties["openslide.vendor"] not in _TIFF_VENDORS:
            return left_out
        images = [f"openslide.associated.{name}." for name in self.associated_images]
        used = Counter(
            (int(self.properties[f"{image}width"]), int(self.properties[f"{image}height"]))
            for image in images
        )
        used.update((level.width, level.height) for level in self.levels)
        reasons = {(page.width, page.height): page.reason for page in left_out}
        used.subtract((page.width, page.height) for page in left_out)
        pages = pages_beyond(self._path, used)
        if pages is None:
            return left_out
        return [
            replace(page, reason=reasons.get((page.width, page.height), page.reason))
            for page in pages
        ]

    def icc_profile(self) -> bytes | None:
        """See `PyramidFile`."""
        try:
            if lowlevel.get_icc_profile_size(self._handle) > MOST_PROFILE_BYTES:
                raise ProfileUnreadable(user_messages.profile_too_large(MOST_PROFILE_BYTES))
            return lowlevel.read_icc_profile(self._handle)
        except OpenSlideError as error:
            raise ProfileUnreadable(user_messages.PROFILE_DAMAGED) from error

    def close(self) -> None:
        """Do nothing: the handle is closed with its last reference."""

    def _level(self, index: int) -> FileLevel:
        width, height = lowlevel.get_level_dimensions(self._handle, index)
        sides = [
            self.properties.get(f"openslide.level[{index}].tile-{side}")
            for side in ("width", "height")
        ]
        tile = (int(sides[0]), int(sides[1])) if sides[0] and sides[1] else None
        return FileLevel(width, height, self._stated_downsample(index, width, height), tile)

    def _stated_downsample(self, index: int, width: int, height: int) -> tuple[float, float] | None:
        """Return what the file states: pixel spacings, or a downsample that OpenSlide read from it.

        If the file states nothing, OpenSlide's downsample is the mean of two ratios of sizes.
        """
        base_width, base_height = lowlevel.get_level_dimensions(self._handle, 0)
        base, own = (
            self._spacings.get((base_width, base_height)),
            self._spacings.get((width, height)),
        )
        if base is not None and own is not None:
            return own[0] / base[0], own[1] / base[1]
        mean = (base_width / width + base_height / height) / 2
        downsample = self._downsamples[index]
        if math.isclose(downsample, mean, rel_tol=1e-9):
            return None
        return downsample, downsample


def damaged_error(name: str) -> SlideUnopenable:
    """Return the error for a file whose structure cannot be read."""
    return SlideUnopenable(user_messages.slide_damaged(name))


def _make_opaque(edge: NDArray[np.uint8], share: float) -> None:
    """Correct a level's last pixels, which OpenSlide reads shifted by `share` of a pixel.

    OpenSlide mixes them with the transparent area beyond the level.
    """
    if 1e-6 < share < 1:
        edge[:] = np.minimum(np.rint(edge / (1 - share)), 255)


def _check_frames(path: Path, name: str) -> None:
    try:
        sound = frames_lie_inside(path)
    except OSError as error:
        raise SlideGone(user_messages.slide_file_gone(name)) from error
    if not sound:
        raise FramesDamaged(user_messages.frames_damaged(name))


def _open(path: Path, name: str) -> lowlevel._OpenSlide:
    try:
        handle = lowlevel.open(str(path))
    except OpenSlideUnsupportedFormatError as error:
        if not path.exists():
            raise SlideGone(user_messages.slide_file_gone(name)) from error
        raise SlideUnopenable(user_messages.format_unknown(name)) from error
    except OpenSlideError as error:
        # OpenSlide's messages may contain file names, which may contain patients' numbers
        _log.debug("OpenSlide on %s: %s", name, error)
        raise damaged_error(name) from error
    lowlevel.set_cache(handle, _shared_cache())
    return handle
