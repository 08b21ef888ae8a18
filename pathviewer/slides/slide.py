"""One whole-slide image: its facts, and the pixels of its levels and regions."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pathviewer.slides import user_messages
from pathviewer.slides.colour_profile import ColourProfile, SlideColours, ignored_colours
from pathviewer.slides.errors import (
    ImageNotFound,
    RegionTooSlow,
    SlideGone,
    SlideUnopenable,
    TileDamaged,
)
from pathviewer.slides.formats.base import (
    PixelsUnreadable,
    ProfileUnreadable,
    PyramidFile,
    UnusedPage,
)
from pathviewer.slides.formats.format_registry import open_pyramid
from pathviewer.slides.geometry import Region, check_inside, clip_to, picture_size, to_level
from pathviewer.slides.level_geometry import NativeLevel, pages_left_out, place_levels
from pathviewer.slides.scale import ScaleClaim, SlideScale, read_claim

_BLOCK = 2048
"""Side of the blocks in which a large region is read, in level pixels: 16 MiB each."""


class Slide:
    """An open slide; threads may read concurrently.

    Errors of a library may persist in its open file, so a failed read opens the file again.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Open `path`; `name` is the slide's name in messages.

        Raises SlideGone if there is no file, SlideUnopenable if no library can open it.
        """
        self.path = path
        self.name = name
        self._repair = threading.Lock()
        file = open_pyramid(path, name)
        self._file: PyramidFile | None = file
        self.properties: Mapping[str, str] = file.properties
        self.levels: tuple[NativeLevel, ...] = place_levels(file.levels)
        self.width, self.height = self.levels[0].width, self.levels[0].height
        self.associated_images = tuple(file.associated_images)
        self.pixel_note = file.pixel_note
        self.colours = _colours_of(file)

    @property
    def vendor(self) -> str:
        """OpenSlide's name of the format, such as `aperio`."""
        return self.properties["openslide.vendor"]

    @property
    def quickhash(self) -> str | None:
        """OpenSlide's hash of the slide's identity, `None` if the format has none."""
        return self.properties.get("openslide.quickhash-1")

    @property
    def claim(self) -> ScaleClaim:
        """Scale as stated by the file, true or not."""
        return read_claim(self.properties)

    @property
    def scale(self) -> SlideScale:
        """Scale of the slide, from the file only."""
        return SlideScale(self.claim)

    @property
    def mpp(self) -> float | None:
        """Microns per level-0 pixel along both axes; `None` if unknown or pixels are oblong."""
        return None if self.claim.size is None else self.claim.size.mpp

    @property
    def objective_power(self) -> float | None:
        """Magnification of the scan, such as 40; `None` if none plausible is stated."""
        return self.claim.objective_power

    @property
    def background(self) -> tuple[int, int, int]:
        """(red, green, blue) of areas that were not scanned; white if not stated."""
        red, green, blue = bytes.fromhex(
            self.properties.get("openslide.background-color", "FFFFFF")
        )
        return red, green, blue

    @property
    def colour_profile(self) -> ColourProfile | None:
        """The file's colour profile, `None` if it has none."""
        return None if self.colours is None else self.colours.profile

    def correct_colours(self, image: Image.Image) -> Image.Image:
        """Convert an RGB picture of the slide to sRGB; unchanged if no profile applies."""
        return image if self.colours is None else self.colours.correct(image)

    @property
    def bounds(self) -> Region | None:
        """The scanned part, `None` if the file does not state it."""
        names = ("x", "y", "width", "height")
        values = [self.properties.get(f"openslide.bounds-{name}") for name in names]
        if any(value is None for value in values):
            return None
        x, y, width, height = (int(value) for value in values if value is not None)
        return Region(x, y, width, height)

    def unused_pages(self) -> tuple[UnusedPage, ...]:
        """Return pages of the file that are neither levels nor associated images.

        Raises SlideGone if the slide was closed.
        """
        file = self._file
        if file is None:
            raise SlideGone(user_messages.slide_closed(self.name))
        return tuple(file.unused_pages(pages_left_out(file.levels)))

    def read(self, level: int, l_box: Region) -> NDArray[np.uint8]:
        """Return pixels of a box of a native level (`l_` frame) as (height, width, 4) BGRX uint8.

        Raises TileDamaged if they cannot be read, SlideGone if the file no longer exists.
        """
        file = self._file
        if file is None:
            raise SlideGone(user_messages.slide_closed(self.name))
        try:
            pixels = file.read(self.levels[level].index, l_box)
        except PixelsUnreadable:
            pixels = self._read_again(level, l_box)
        return self._composite(pixels)

    def read_region(
        self,
        region: Region,
        max_pixels: int,
        seconds: float = math.inf,
        pixel_aspect: float = 1.0,
        *,
        corrected: bool = True,
    ) -> Image.Image:
        """Return the region as RGB, reduced (never enlarged) to at most `max_pixels`.

        With `corrected`, the file's profile converts colours to sRGB; otherwise they are as
        scanned. `pixel_aspect` is the height of a level-0 pixel over its width; the picture has
        square pixels, so it is not distorted. Raises RegionError, TileDamaged or SlideGone, and
        RegionTooSlow if it takes longer than `seconds`. `max_pixels` bounds the memory.
        """
        until = time.monotonic() + seconds
        check_inside(region, self.width, self.height)
        size = picture_size(region, max_pixels, pixel_aspect)
        scale = region.width / size[0], region.height / size[1]
        index = self._level_for(*scale)
        level = self.levels[index]
        factor_x = max(1, int(scale[0] / level.downsample.x))
        factor_y = max(1, int(scale[1] / level.downsample.y))
        l_box = clip_to(to_level(region, level.downsample), level.width, level.height)
        image = self._read_reduced(index, l_box, (factor_x, factor_y), until)
        if image.size != size or (region.x, region.y) != (l_box.x, l_box.y):
            left, right = _span(
                region.x, region.width, level.downsample.x, l_box.x, factor_x, image.width
            )
            top, bottom = _span(
                region.y, region.height, level.downsample.y, l_box.y, factor_y, image.height
            )
            # BOX would use whole pixels, shifted by up to half a pixel
            image = image.resize(size, Image.Resampling.HAMMING, (left, top, right, bottom))
        return self.correct_colours(image) if corrected else image

    def associated_image(self, name: str) -> Image.Image:
        """Return the label, macro or other image as RGB; labels and macros carry patient data.

        Raises ImageNotFound, TileDamaged or SlideGone.
        """
        if name not in self.associated_images:
            raise ImageNotFound(user_messages.no_such_image(self.name))
        try:
            image = open_pyramid(self.path, self.name).read_associated(name)
        except PixelsUnreadable as error:
            raise TileDamaged(user_messages.image_damaged(name, self.name)) from error
        filled = Image.new("RGB", image.size, self.background)
        filled.paste(image, mask=image.getchannel("A"))
        return filled

    def close(self) -> None:
        """Release the file; reads in progress in other threads still succeed."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _read_again(self, level: int, l_box: Region) -> NDArray[np.uint8]:
        with self._repair:
            try:
                file = open_pyramid(self.path, self.name)
                pixels = file.read(self.levels[level].index, l_box)
            except (PixelsUnreadable, SlideUnopenable) as error:
                raise TileDamaged(
                    user_messages.slide_damaged_at(self.name, l_box.x, l_box.y, level)
                ) from error
            self._file = file
        return pixels

    def _composite(self, bgra: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fill transparent areas with the background, clipped to white.

        OpenSlide's colours are premultiplied by alpha, even from files that declare straight alpha.
        Files that declare nothing may have colours above their alpha.
        """
        alpha = bgra[..., 3]
        if alpha.min() < 255:
            missing = (255 - alpha).astype(np.uint16)[..., None]
            background = np.array(self.background[::-1], np.uint16)
            filled = bgra[..., :3] + (missing * background + 127) // 255
            bgra[..., :3] = np.minimum(filled, 255)
        return bgra

    def _level_for(self, scale_x: float, scale_y: float) -> int:
        """Return the coarsest level that is fine enough along both axes."""
        fitting = [
            index
            for index, level in enumerate(self.levels)
            if level.downsample.x <= scale_x * 1.001 and level.downsample.y <= scale_y * 1.001
        ]
        return max(fitting, key=lambda index: self.levels[index].downsample.mean, default=0)

    def _read_reduced(
        self, level: int, l_box: Region, factors: tuple[int, int], until: float
    ) -> Image.Image:
        """Return a box of a level, averaging blocks of `factors`, (width, height), pixels."""
        wide, high = factors
        out = Image.new("RGB", (-(-l_box.width // wide), -(-l_box.height // high)))
        step_x, step_y = max(1, _BLOCK // wide) * wide, max(1, _BLOCK // high) * high
        for top in range(0, l_box.height, step_y):
            for left in range(0, l_box.width, step_x):
                if time.monotonic() > until:
                    raise RegionTooSlow(user_messages.slide_region_too_slow(self.name))
                size = min(step_x, l_box.width - left), min(step_y, l_box.height - top)
                block = self.read(level, Region(l_box.x + left, l_box.y + top, *size))
                image = Image.fromarray(np.ascontiguousarray(block[..., 2::-1]))
                out.paste(image.reduce(factors), (left // wide, top // high))
        return out


def _colours_of(file: PyramidFile) -> SlideColours | None:
    try:
        data = file.icc_profile()
    except ProfileUnreadable as error:
        return ignored_colours(str(error))
    return None if data is None else SlideColours(data)


def _span(
    start: int, length: int, downsample: float, l_start: int, factor: int, size: int
) -> tuple[float, float]:
    """Return where a region begins and ends along one axis of a picture of `size` pixels.

    The picture begins at `l_start` of a level and averages `factor` of its pixels to one. A level
    may end up to a pixel before the slide.
    """
    begin = min(max(0.0, (start / downsample - l_start) / factor), size - 1.0)
    return begin, min(float(size), begin + length / downsample / factor)
