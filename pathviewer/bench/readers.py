"""`bench readers`: cost of reading slides in separate processes."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from pathviewer.bench.tiles_slides import jpeg2000_slide, large_phantom
from pathviewer.settings import Settings, read_settings
from pathviewer.slides.geometry import Region, tile_box
from pathviewer.slides.raw_tiles import RawLevel
from pathviewer.slides.readers import tasks
from pathviewer.slides.served_slide import ServedSlide
from pathviewer.slides.slide import Slide
from pathviewer.slides.slide_index import index_of
from pathviewer.slides.slide_pool import SlideFile, SlidePool
from pathviewer.slides.tile_cache import TileCache
from pathviewer.slides.tiles import TileSource

_READERS = 3
_BLOCK = 100
"""Raw tiles timed together; one takes some microseconds."""

_SEED = 1
_REGION_SIDE = 2048
_REGION_PIXELS = 1024 * 1024
_SMALLEST_CACHE_MIB = 1
"""So small that nearly every tile is transcoded."""

Seconds = tuple[float, float]
"""Seconds of the same work (in a reader, in this process)."""


def bench_readers(
    rounds: int = 60,
    json_output: bool = False,
) -> None:
    """Time tiles, regions and opening in readers against one process, alternating.

    The phantom of `bench tiles` provides raw tiles and regions, its JPEG 2000 slide the transcoded
    tiles. Each pair uses a place or file that was not read before.
    """
    folder = read_settings().data / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    phantom = large_phantom(folder)
    made = jpeg2000_slide(folder, phantom)
    with tempfile.TemporaryDirectory(prefix="bench-readers-", dir=folder) as name:
        report = asyncio.run(_measure(phantom, made, Path(name), rounds))
    text = json.dumps(report) if json_output else "\n".join(_table(report))
    sys.stdout.write(f"{text}\n")


async def _measure(phantom: Path, jpeg2000: Path, folder: Path, rounds: int) -> dict[str, float]:
    settings = Settings(data=folder, readers=_READERS, tile_cache_mib=_SMALLEST_CACHE_MIB)
    pool = SlidePool(lambda name: SlideFile(name, Path(name), "A slide"), settings)
    try:
        places = random.Random(_SEED).sample(range(500), rounds)
        served, here = await pool.open(str(phantom)), _opened_here(phantom)
        own = [_own_tiles(served, here, place) for place in places]
        served, here = await pool.open(str(jpeg2000)), _opened_here(jpeg2000)
        await _warm_up(served)
        transcoded = [await _made_tile(served, here, place) for place in places]
        regions = [await _region(pool, phantom, number) for number in range(rounds)]
        opened = [await _first_open(pool, phantom, folder / f"{n}.tiff") for n in range(rounds)]
        memory = sum(process.memory_full_info().pss for process in _reader_processes())
    finally:
        pool.close()
    return {
        "tile_ratio": _ratio(own),
        "transcoded_ratio": _ratio(transcoded),
        "region_ratio": _ratio(regions),
        "first_open_extra_ms": round(1000 * statistics.median(a - b for a, b in opened), 2),
        "readers_rss_mib": round(memory / 2**20, 1),
    }


def _opened_here(path: Path) -> TileSource:
    return TileSource(Slide(path, "A slide"), 90, TileCache(_SMALLEST_CACHE_MIB * 2**20))


async def _warm_up(served: ServedSlide) -> None:
    """Make every reader open the slide."""
    small = Region(0, 0, 64, 64)
    accounts = [f"account {number}" for number in range(8 * _READERS)]
    await asyncio.gather(*(served.region_png(small, 4096, account) for account in accounts))


def _own_tiles(served: ServedSlide, here: TileSource, place: int) -> Seconds:
    """Time a block of tiles in the system's page cache, each read once before."""
    raw, columns = here.steps[0].raw, served.levels[0].columns
    if raw is None:
        raise RuntimeError("The phantom's tiles are not sent unchanged.")
    block = range(place, place + _BLOCK)
    for index in block:
        tile = served.raw_tile(0, index % columns, index // columns)
        if tile is None or raw.read_warm(index) != tile.jpeg:
            raise RuntimeError("The server's tile differs.")
    began = time.perf_counter()
    for index in block:
        served.warm_raw(0, index % columns, index // columns)
    middle = time.perf_counter()
    for index in block:
        _warm_here(here, raw, index % columns, index // columns)
    return middle - began, time.perf_counter() - middle


def _warm_here(here: TileSource, raw: RawLevel, column: int, row: int) -> bytearray | None:
    """Read a warm tile as a server would that opens slides itself."""
    level = here.levels[0]
    columns, rows = raw.columns, len(raw.counts) // raw.columns
    if not (0 <= column < columns and 0 <= row < rows):
        tile_box(level, column, row)
    return raw.read_warm(row * columns + column)


async def _made_tile(served: ServedSlide, here: TileSource, place: int) -> Seconds:
    row, column = divmod(place, served.levels[0].columns)
    began = time.perf_counter()
    tile = await served.tile(0, column, row)
    middle = time.perf_counter()
    same = here.tile(0, column, row)
    ended = time.perf_counter()
    if tile.jpeg != same.jpeg:
        raise RuntimeError("A reader's tile differs.")
    return middle - began, ended - middle


async def _region(pool: SlidePool, path: Path, number: int) -> Seconds:
    source = random.Random(_SEED + number)
    served, here = await pool.open(str(path)), _opened_here(path)
    x, y = (source.randrange(side - _REGION_SIDE) for side in (served.width, served.height))
    region = Region(x, y, _REGION_SIDE, _REGION_SIDE)
    began = time.perf_counter()
    picture = await served.region_png(region, _REGION_PIXELS)
    middle = time.perf_counter()
    same = tasks.png_of(here.slide.read_region(region, _REGION_PIXELS))
    ended = time.perf_counter()
    if picture.png != same.png:
        raise RuntimeError("A reader's picture differs.")
    return middle - began, ended - middle


async def _first_open(pool: SlidePool, phantom: Path, path: Path) -> Seconds:
    path.hardlink_to(phantom)  # noqa: ASYNC240  nothing else waits for this event loop
    began = time.perf_counter()
    await pool.open(str(path))
    middle = time.perf_counter()
    index_of(_opened_here(path))
    return middle - began, time.perf_counter() - middle


def _reader_processes() -> Iterator[psutil.Process]:
    """Yield the readers and their fork server."""
    for process in psutil.Process().children(recursive=True):
        if any("forkserver" in word for word in process.cmdline()):
            yield process


def _ratio(pairs: list[Seconds]) -> float:
    return round(statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs), 3)


def _table(report: dict[str, float]) -> list[str]:
    return [
        f"raw tile                   {report['tile_ratio']:.3f} times the time in one process",
        f"transcoded tile            {report['transcoded_ratio']:.3f} times",
        f"region of 1,024 x 1,024 px {report['region_ratio']:.3f} times",
        f"first open                 {report['first_open_extra_ms']:+.1f} ms",
        f"memory of {_READERS} readers        {report['readers_rss_mib']:.0f} MiB (PSS)",
    ]
