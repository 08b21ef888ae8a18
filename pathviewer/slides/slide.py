"""One whole-slide image: its facts, and its pixels as OpenSlide reads them."""

from __future__ import annotations

import logging
import math
import threading
import time
from ctypes import c_uint32
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openslide import OpenSlideError, OpenSlideUnsupportedFormatError, lowlevel
from PIL import Image

from pathviewer.slides.dicom_reader import frames_lie_inside
from pathviewer.slides.errors import (
    ImageNotFound,
    RegionTooSlow,
    SlideGone,
    SlideUnopenable,
    TileDamaged,
)
from pathviewer.slides.geometry import Region, check_inside, reduced_size, to_level

_log = logging.getLogger(__name__)

_COARSEST_MPP = 50.0
"""A coarser value is a screen's resolution (72 dpi is 353 um), not a scanner's."""

_BLOCK = 2048
"""Side of the blocks that a large region is read in, in level pixels: 16 MiB each."""

_DECODED_BYTES = 32 * 2**20
"""Tiles that OpenSlide keeps decoded, over all open slides."""


@dataclass(frozen=True)
class NativeLevel:
    """A level that the file has."""

    width: int
    """In the level's own pixels."""

    height: int
    """In the level's own pixels."""

    downsample: float
    """Level-0 pixels per pixel of the level."""

    tile_size: tuple[int, int] | None
    """(width, height) of the file's own tiles, `None` if OpenSlide does not say."""


@dataclass(frozen=True)
class RegionImage:
    """The pixels of a region."""

    pixels: Image.Image
    """RGB, transparent parts filled with the slide's background colour."""

    mpp: float | None
    """Microns per pixel of this image, `None` if the slide's are unknown."""


@cache
def _shared_cache() -> lowlevel._OpenSlideCache:
    return lowlevel.cache_create(_DECODED_BYTES)


class Slide:
    """An open slide; reads may come from several threads at once.

    OpenSlide's errors stick to a handle, so a failed read opens the file anew.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Open `path`; `name` is what messages call the slide.

        Raises SlideGone when there is no file, SlideUnopenable when OpenSlide cannot open it.
        """
        self.path = path
        self.name = name
        self._repair = threading.Lock()
        self._handle: lowlevel._OpenSlide | None = self._open()
        self.properties = _properties(self._handle)
        if self.vendor == "dicom":
            self._check_frames()
        self.levels = _levels(self._handle, self.properties)
        self.width, self.height = self.levels[0].width, self.levels[0].height
        self.associated_images: tuple[str, ...] = tuple(
            lowlevel.get_associated_image_names(self._handle)
        )

    @property
    def vendor(self) -> str:
        """OpenSlide's name of the format, such as `aperio`."""
        return self.properties["openslide.vendor"]

    @property
    def quickhash(self) -> str | None:
        """OpenSlide's hash of the slide's identity, `None` if the format has none."""
        return self.properties.get("openslide.quickhash-1")

    @property
    def mpp(self) -> float | None:
        """Microns per level-0 pixel, the mean of x and y; `None` if the file does not say."""
        mpp_x = _positive(self.properties.get("openslide.mpp-x"))
        mpp_y = _positive(self.properties.get("openslide.mpp-y"))
        if mpp_x is None or mpp_y is None or max(mpp_x, mpp_y) > _COARSEST_MPP:
            return None
        return (mpp_x + mpp_y) / 2

    @property
    def objective_power(self) -> float | None:
        """Magnification of the scan, such as 40; `None` if the file does not say."""
        return _positive(self.properties.get("openslide.objective-power"))

    @property
    def background(self) -> tuple[int, int, int]:
        """(red, green, blue) of what was not scanned; white if the file does not say."""
        red, green, blue = bytes.fromhex(
            self.properties.get("openslide.background-color", "FFFFFF")
        )
        return red, green, blue

    @property
    def bounds(self) -> Region | None:
        """The part that was scanned, `None` if the file does not say."""
        names = ("x", "y", "width", "height")
        values = [self.properties.get(f"openslide.bounds-{name}") for name in names]
        if any(value is None for value in values):
            return None
        x, y, width, height = (int(value) for value in values if value is not None)
        return Region(x, y, width, height)

    def read(self, level: int, l_box: Region) -> NDArray[np.uint8]:
        """Pixels of a box of a native level (`l_` frame) as (height, width, 4) BGRX uint8.

        Raises TileDamaged when they cannot be read, SlideGone when the file is no longer there.
        """
        handle = self._handle
        if handle is None:
            raise SlideGone(f"Slide {self.name} was closed; open it again.")
        try:
            return self._composite(_read(handle, self.levels[level].downsample, level, l_box))
        except OpenSlideError:
            return self._read_anew(level, l_box)

    def read_region(
        self, region: Region, max_pixels: int, seconds: float = math.inf
    ) -> RegionImage:
        """The region as RGB, reduced (never enlarged) to at most `max_pixels`.

        Raises RegionError, TileDamaged or SlideGone, and RegionTooSlow when it takes longer than
        `seconds`. Memory is bounded by `max_pixels`.
        """
        until = time.monotonic() + seconds
        check_inside(region, self.width, self.height)
        size = reduced_size(region.width, region.height, max_pixels)
        scale_x, scale_y = region.width / size[0], region.height / size[1]
        level = self._level_for(min(scale_x, scale_y))
        downsample = self.levels[level].downsample
        factor = max(1, int(min(scale_x, scale_y) / downsample))
        l_box = self._clip(level, to_level(region, downsample))
        image = self._read_reduced(level, l_box, factor, until)
        if image.size != size or (region.x, region.y) != (l_box.x, l_box.y):
            step = downsample * factor
            # a level may be narrower than the slide at its downsample, the mean of two
            left = min(max(0.0, region.x / step - l_box.x / factor), image.width - 1.0)
            top = min(max(0.0, region.y / step - l_box.y / factor), image.height - 1.0)
            right = min(float(image.width), left + region.width / step)
            bottom = min(float(image.height), top + region.height / step)
            image = image.resize(size, Image.Resampling.BOX, (left, top, right, bottom))
        mpp = None if self.mpp is None else self.mpp * (scale_x + scale_y) / 2
        return RegionImage(image, mpp)

    def associated_image(self, name: str) -> Image.Image:
        """The label, macro or other picture as RGB; labels and macros carry patient data.

        Raises ImageNotFound, TileDamaged or SlideGone.
        """
        if name not in self.associated_images:
            raise ImageNotFound(f"Slide {self.name} has no associated image of this name.")
        try:
            image = lowlevel.read_associated_image(self._open(), name)
        except OpenSlideError as error:
            raise TileDamaged(f"The {name} image of slide {self.name} is damaged.") from error
        filled = Image.new("RGB", image.size, self.background)
        filled.paste(image, mask=image.getchannel("A"))
        return filled

    def close(self) -> None:
        """Let go of the file; a read under way in another thread still ends well."""
        self._handle = None

    def _check_frames(self) -> None:
        try:
            sound = frames_lie_inside(self.path)
        except OSError as error:
            raise SlideGone(f"The file of slide {self.name} is no longer there.") from error
        if not sound:
            raise SlideUnopenable(
                f"{self.name} cannot be opened: its list of frames is damaged. Copy all of its "
                "files anew or scan again."
            )

    def _open(self) -> lowlevel._OpenSlide:
        try:
            handle = lowlevel.open(str(self.path))
        except OpenSlideUnsupportedFormatError as error:
            if not self.path.exists():
                raise SlideGone(f"The file of slide {self.name} is no longer there.") from error
            raise SlideUnopenable(
                f"{self.name} is not a slide in a format that OpenSlide knows."
            ) from error
        except OpenSlideError as error:
            # OpenSlide's own words may hold names of files, which may hold patients' numbers
            _log.debug("OpenSlide on %s: %s", self.name, error)
            raise SlideUnopenable(
                f"{self.name} cannot be opened: it is damaged or incomplete, or a file that "
                "belongs to it is missing. Copy all of its files anew or scan again."
            ) from error
        lowlevel.set_cache(handle, _shared_cache())
        return handle

    def _read_anew(self, level: int, l_box: Region) -> NDArray[np.uint8]:
        with self._repair:
            try:
                fresh = self._open()
                pixels = _read(fresh, self.levels[level].downsample, level, l_box)
            except (OpenSlideError, SlideUnopenable) as error:
                raise TileDamaged(
                    f"Slide {self.name} is damaged at ({l_box.x}, {l_box.y}) of level {level}; "
                    "other parts may be sound. Copy the file anew or scan again."
                ) from error
            self._handle = fresh
        return self._composite(pixels)

    def _composite(self, bgra: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fill what is transparent; OpenSlide's colours come multiplied by their alpha."""
        alpha = bgra[..., 3]
        if alpha.min() < 255:
            missing = (255 - alpha).astype(np.uint16)[..., None]
            background = np.array(self.background[::-1], np.uint16)
            bgra[..., :3] += ((missing * background + 127) // 255).astype(np.uint8)
        return bgra

    def _clip(self, level: int, l_box: Region) -> Region:
        right = min(l_box.x + l_box.width, self.levels[level].width)
        bottom = min(l_box.y + l_box.height, self.levels[level].height)
        x, y = min(l_box.x, right - 1), min(l_box.y, bottom - 1)
        return Region(x, y, right - x, bottom - y)

    def _level_for(self, scale: float) -> int:
        fitting = [i for i, level in enumerate(self.levels) if level.downsample <= scale * 1.001]
        return max(fitting, key=lambda i: self.levels[i].downsample, default=0)

    def _read_reduced(self, level: int, l_box: Region, factor: int, until: float) -> Image.Image:
        """A box of a level, each `factor` x `factor` pixels averaged to one, block by block."""
        width, height = -(-l_box.width // factor), -(-l_box.height // factor)
        out = Image.new("RGB", (width, height))
        step = max(1, _BLOCK // factor) * factor
        for top in range(0, l_box.height, step):
            for left in range(0, l_box.width, step):
                if time.monotonic() > until:
                    raise RegionTooSlow(
                        f"This region of slide {self.name} takes too long to read: choose a "
                        "smaller one."
                    )
                size = min(step, l_box.width - left), min(step, l_box.height - top)
                block = self.read(level, Region(l_box.x + left, l_box.y + top, *size))
                image = Image.fromarray(np.ascontiguousarray(block[..., 2::-1]))
                out.paste(image.reduce(factor), (left // factor, top // factor))
        return out


def _read(
    handle: lowlevel._OpenSlide, downsample: float, level: int, l_box: Region
) -> NDArray[np.uint8]:
    """(height, width, 4) uint8, premultiplied BGRA; the origin is rounded to a level-0 pixel."""
    buffer = (l_box.width * l_box.height * c_uint32)()
    x, y = round(l_box.x * downsample), round(l_box.y * downsample)
    lowlevel._read_region(handle, buffer, x, y, level, l_box.width, l_box.height)
    pixels: NDArray[np.uint8] = np.ctypeslib.as_array(buffer).view(np.uint8)
    return pixels.reshape(l_box.height, l_box.width, 4)


def _properties(handle: lowlevel._OpenSlide) -> dict[str, str]:
    names = lowlevel.get_property_names(handle)
    return {name: lowlevel.get_property_value(handle, name) or "" for name in names}


def _levels(handle: lowlevel._OpenSlide, properties: dict[str, str]) -> tuple[NativeLevel, ...]:
    levels = []
    for index in range(lowlevel.get_level_count(handle)):
        width, height = lowlevel.get_level_dimensions(handle, index)
        tile_width = properties.get(f"openslide.level[{index}].tile-width")
        tile_height = properties.get(f"openslide.level[{index}].tile-height")
        size = (int(tile_width), int(tile_height)) if tile_width and tile_height else None
        downsample = lowlevel.get_level_downsample(handle, index)
        levels.append(NativeLevel(width, height, downsample, size))
    return tuple(levels)


def _positive(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None
