"""An open slide on the server: the index and raw tiles are here, all other work in readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from PIL import Image

from pathviewer.common.shared_tasks import SharedTasks
from pathviewer.slides.colour_profile import ColourProfile
from pathviewer.slides.colour_table import ColourTable
from pathviewer.slides.errors import TileDamaged
from pathviewer.slides.geometry import Level, Region, tile_box
from pathviewer.slides.readers import tasks
from pathviewer.slides.readers.pool import ReaderPool, Urgency
from pathviewer.slides.readers.tasks import OpenRequest, RegionPicture
from pathviewer.slides.scale import SlideScale
from pathviewer.slides.served_levels import base_of
from pathviewer.slides.slide_facts import SlideFacts
from pathviewer.slides.slide_index import SlideIndex, open_steps
from pathviewer.slides.thumbnail import thumbnail_level
from pathviewer.slides.tile_cache import Tile, TileCache
from pathviewer.slides.tiles import Parts, step_at

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_MOST_TILES = 65_536
"""Most tiles of a file level at which every coarser tile is made from all tiles beneath it."""

_MOST_PIXELS = 2**32
"""Most pixels of such a level if its tiles have to be decoded in full."""

_MOST_THUMBNAIL_PIXELS = 2**30
"""Most pixels of such a level for a thumbnail, because a person waits for it."""

_MOST_BENEATH = 32
"""For levels with more tiles: pixels per pixel of a tile that is made from all of them."""

_PARTS_SHARE = 0.5
"""Share of a call's time after which a picture made from many tiles is sampled instead."""

_REGION_SHARE = 0.8
"""Share of a call's time after which a region is given up, before its reader is ended."""


class ServedSlide:
    """An open slide; thread-safe, except for coroutines, which share an event loop.

    Level 0 is the finest. Each intermediate level halves the one before it, until the whole slide
    fits one tile.
    """

    def __init__(
        self,
        request: OpenRequest,
        index: SlideIndex,
        facts: SlideFacts,
        readers: ReaderPool,
        cache: TileCache,
        disk: Executor,
    ) -> None:
        """Open the index; `cache` stores generated tiles, `disk` runs blocking reads.

        Raises SlideGone if another file has replaced the slide's.
        """
        self.name = request.name
        self.facts = facts
        self.associated_images = index.associated_images
        self._request = request
        self._readers = readers
        self._cache = cache
        self._disk = disk
        self._steps = open_steps(index, request.name)
        self.levels: tuple[Level, ...] = tuple(step.level for step in self._steps)
        # (columns, rows, raw) for fast access in the event loop
        self._grids = [(step.level.columns, step.level.rows, step.raw) for step in self._steps]
        self._tasks: SharedTasks[tuple[int, int, int], Tile] = SharedTasks()

    @property
    def index_bytes(self) -> int:
        """Memory used by the offsets of the files' own tiles."""
        return sum(16 * len(raw.counts) for _, _, raw in self._grids if raw is not None)

    @property
    def width(self) -> int:
        """Width of level 0, in pixels."""
        return self.facts.width

    @property
    def height(self) -> int:
        """Height of level 0, in pixels."""
        return self.facts.height

    @property
    def quickhash(self) -> str | None:
        """OpenSlide's hash of the slide's identity, `None` if the format has none."""
        return self.facts.quickhash

    def warm_raw(self, level: int, column: int, row: int) -> bytearray | None:
        """Return a tile of the file's own without waiting for a disk; `None` if it would have to.

        Raises TileNotFound.
        """
        if not 0 <= level < len(self._grids):
            step_at(self._steps, level, self.name)
        columns, rows, raw = self._grids[level]
        if not (0 <= column < columns and 0 <= row < rows):
            tile_box(self.levels[level], column, row)
        return None if raw is None else raw.read_warm(row * raw.columns + column)

    def warm_made(self, level: int, column: int, row: int) -> bytes | bytearray | None:
        """Return a generated tile if it is cached, `None` otherwise."""
        tile = self._cache.get((self._request.stamp, level, column, row))
        return None if tile is None else tile.jpeg

    def raw_tile(self, level: int, column: int, row: int) -> Tile | None:
        """Return a tile of the file's own, `None` if it must be generated; waits for the disk.

        Raises TileNotFound and TileDamaged.
        """
        raw = step_at(self._steps, level, self.name).raw
        tile_box(self.levels[level], column, row)
        jpeg = None if raw is None else raw.read(column, row, self.name)
        return None if jpeg is None else Tile(jpeg, "raw")

    async def tile(self, level: int, column: int, row: int, requester: str = "") -> Tile:
        """Return any tile of the slide; concurrent requests share one task, cancelled with the
        last.

        Raises TileNotFound and the errors of `ReaderPool.submit`.
        """
        if step_at(self._steps, level, self.name).raw is not None:
            loop = asyncio.get_running_loop()
            tile = await loop.run_in_executor(self._disk, self.raw_tile, level, column, row)
            if tile is not None:
                return tile
        tile_box(self.levels[level], column, row)
        key = self._request.stamp, level, column, row
        cached_tile = self._cache.get(key)
        if cached_tile is not None:
            return cached_tile
        new_tile = await self._tasks.run(
            (level, column, row), lambda: self._make(level, column, row, requester)
        )
        self._cache.put(key, new_tile)
        return new_tile

    async def thumbnail(self, size: int, requester: str = "", pixel_aspect: float = 1.0) -> bytes:
        """Return a JPEG of the whole slide, its longer side at most `size` pixels. Errors as of
        `tile`.

        `pixel_aspect` is the height of a level-0 pixel over its width.
        """
        level = thumbnail_level(self.levels, size)
        shape = self.levels[level]
        parts: Parts = {}
        vast = self._is_vast(level, _MOST_THUMBNAIL_PIXELS)
        if not vast and self._steps[level].native is None:
            columns, rows = range(shape.columns), range(shape.rows)
            try:
                parts = await self._parts(level, columns, rows, requester)
            except TimeoutError:
                vast = True
        if vast:
            coarse_request = tasks.make_coarse_thumbnail, size, pixel_aspect
            return await self._call(Urgency.overview, requester, *coarse_request)
        full_request = tasks.make_thumbnail, size, pixel_aspect, parts
        return await self._call(Urgency.overview, requester, *full_request)

    async def region_png(
        self,
        region: Region,
        most: int,
        requester: str = "",
        pixel_aspect: float = 1.0,
        *,
        corrected: bool = True,
    ) -> RegionPicture:
        """Return a level-0 region as PNG of at most `most` square pixels.

        Errors as of `read_region`.
        """
        seconds = self._readers.seconds * _REGION_SHARE
        how = region, most, seconds, pixel_aspect, corrected
        return await self._call(Urgency.region, requester, tasks.region_png, *how)

    async def colour_table(self, requester: str = "") -> ColourTable | None:
        """Return the correction of tile colours to sRGB; `None` if there is none.

        Errors as of `tile`.
        """
        return await self._call(Urgency.view, requester, tasks.colour_table)

    async def associated_jpeg(self, name: str, requester: str = "") -> bytes:
        """JPEG of a label, macro or other image. Errors as of `tile`, and ImageNotFound."""
        return await self._call(Urgency.overview, requester, tasks.associated_jpeg, name)

    def read_region(
        self,
        region: Region,
        max_pixels: int,
        requester: str = "questions",
        pixel_aspect: float = 1.0,
        *,
        corrected: bool = True,
    ) -> Image.Image:
        """Return a level-0 region of at most `max_pixels`; blocks, so not for the event loop.

        `pixel_aspect` is the height of a level-0 pixel over its width: pixels of the picture are
        square. With `corrected`, an applicable profile converts colours to sRGB; otherwise they are
        as scanned. Errors as of `tile`, and RegionError.
        """
        self._readers.check_allowed(self._request.path, self.name)
        seconds = self._readers.seconds * _REGION_SHARE
        return self._readers.submit(
            Urgency.region,
            requester,
            self._request.path,
            self.name,
            tasks.read_region,
            self._request,
            region,
            max_pixels,
            seconds,
            pixel_aspect,
            corrected,
        ).result()

    async def _make(self, level: int, column: int, row: int, requester: str) -> Tile:
        step = self._steps[level]
        place = level, column, row
        if step.native is not None:
            return await self._call(Urgency.view, requester, tasks.make_tile, *place, {})
        if self._is_too_much(level):
            return await self._call(Urgency.overview, requester, tasks.make_coarse_tile, *place)
        parts: Parts = {}
        if self._steps[step.source].native is None:
            columns, rows = step.finer_tiles(column, row, self.levels[step.source])
            try:
                parts = await self._parts(step.source, columns, rows, requester)
            except TimeoutError:
                return await self._call(Urgency.overview, requester, tasks.make_coarse_tile, *place)
        return await self._call(Urgency.overview, requester, tasks.make_tile, *place, parts)

    async def _parts(self, level: int, columns: range, rows: range, requester: str) -> Parts:
        """Return tiles of a level that the file does not have, made in sequence.

        Raises TimeoutError if that exceeds the time for one request.
        """
        parts: dict[tuple[int, int], Tile | TileDamaged] = {}
        async with asyncio.timeout(self._readers.seconds * _PARTS_SHARE):
            for row in rows:
                for column in columns:
                    try:
                        parts[column, row] = await self.tile(level, column, row, requester)
                    except TileDamaged as error:
                        parts[column, row] = error
        return parts

    def _is_too_much(self, level: int) -> bool:
        """Return whether a level's tiles are sampled, because too many tiles lie beneath them."""
        _, factor = base_of(self._steps, level)
        return factor > _MOST_BENEATH and self._is_vast(level, _MOST_PIXELS)

    def _is_vast(self, level: int, most_pixels: int) -> bool:
        """Return whether a level is made from more tiles or pixels than are read for a picture."""
        base, _ = base_of(self._steps, level)
        finest = self.levels[base]
        if finest.columns * finest.rows > _MOST_TILES:
            return True
        # tiles of the file's own are decoded at an eighth, all others in full
        return self._steps[base].raw is None and finest.width * finest.height > most_pixels

    async def _call(
        self, urgency: Urgency, requester: str, function: Callable[..., Result], *args: object
    ) -> Result:
        request = self._request
        future = self._readers.submit(
            urgency, requester, request.path, self.name, function, request, *args
        )
        return await asyncio.wrap_future(future)


@dataclass(frozen=True)
class RequestedSlide:
    """A slide whose regions one requester reads, for `picture_of_slide`."""

    slide: ServedSlide
    """The open slide."""

    requester: str
    """Requester of the reader calls."""

    scale: SlideScale
    """Scale in use and its source."""

    @property
    def width(self) -> int:
        """Width of level 0, in pixels."""
        return self.slide.width

    @property
    def height(self) -> int:
        """Height of level 0, in pixels."""
        return self.slide.height

    @property
    def quickhash(self) -> str | None:
        """OpenSlide's hash of the slide's identity, `None` if the format has none."""
        return self.slide.quickhash

    @property
    def colour_profile(self) -> ColourProfile | None:
        """Its colour profile, `None` if the file has none."""
        return self.slide.facts.colour_profile

    @property
    def pixel_note(self) -> str | None:
        """How its pixels differ from 8-bit colour, `None` if they do not."""
        return self.slide.facts.pixel_note

    def read_region(
        self, region: Region, max_pixels: int, *, corrected: bool = True
    ) -> Image.Image:
        """See `ServedSlide`."""
        return self.slide.read_region(region, max_pixels, self.requester, corrected=corrected)
