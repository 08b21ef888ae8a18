"""A slide served from an index and readers shows the same as one opened in this process."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pathviewer.settings import Settings
from pathviewer.slides import served_slide
from pathviewer.slides.errors import RegionError, SlideGone, TileDamaged, TileNotFound
from pathviewer.slides.geometry import Region
from pathviewer.slides.readers.pool import ReaderPool
from pathviewer.slides.served_slide import ServedSlide
from pathviewer.slides.slide import Slide
from pathviewer.slides.slide_pool import SlideFile, SlidePool
from pathviewer.slides.thumbnail import thumbnail
from pathviewer.slides.tile_cache import Tile, TileCache
from pathviewer.slides.tiles import TileSource
from tests import raw_tiff, slide_files

WRITERS = {
    "ycbcr": slide_files.write_ycbcr,
    "aperio rgb": slide_files.write_aperio_rgb,
    "jpeg 2000": slide_files.write_aperio_jpeg2000,
    "deflate": lambda path: slide_files.write_plain(path, "deflate"),
}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlidePool]:
    """Serves any file whose path is given as its id."""
    settings = Settings(data=tmp_path_factory.mktemp("data"))
    readers = ReaderPool(settings)
    pool = SlidePool(lambda name: SlideFile(name, Path(name), "Slide 1"), settings, readers)
    yield pool
    pool.close()


def tile_of(slide: ServedSlide, level: int, column: int, row: int) -> Tile:
    return asyncio.run(slide.tile(level, column, row))


@pytest.mark.parametrize("kind", WRITERS)
def test_every_tile_is_that_of_a_slide_opened_here(
    pool: SlidePool, tmp_path: Path, kind: str
) -> None:
    path = WRITERS[kind](tmp_path / "slide.svs")
    slide = pool.get(str(path))
    source = TileSource(Slide(path, "Slide 1"), 90, TileCache(2**24))
    assert slide.levels == source.levels
    for index, level in enumerate(slide.levels):
        for row in range(level.rows):
            for column in range(level.columns):
                assert tile_of(slide, index, column, row) == source.tile(index, column, row)


def test_tiles_at_hand(pool: SlidePool, tmp_path: Path) -> None:
    slide = pool.get(str(slide_files.write_aperio_rgb(tmp_path / "rgb.svs")))
    for level in range(len(slide.levels)):
        tile = tile_of(slide, level, 0, 0)
        warm = slide.warm_raw(level, 0, 0)
        assert (warm is not None) == (tile.source == "raw")
        assert tile.jpeg == (warm or slide.warm_made(level, 0, 0))


def test_a_cold_tile_is_not_waited_for(pool: SlidePool, tmp_path: Path) -> None:
    slide = pool.get(str(slide_files.write_aperio_jpeg2000(tmp_path / "j.svs")))
    assert slide.warm_raw(0, 0, 0) is None
    assert slide.warm_made(0, 0, 0) is None
    tile = tile_of(slide, 0, 0, 0)
    assert slide.warm_raw(0, 0, 0) is None
    assert slide.warm_made(0, 0, 0) == tile.jpeg


@pytest.mark.parametrize(
    "place",
    [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (4, 0, 0), (0, 5, 0), (0, 0, 4), (10**30,) * 3],
)
def test_a_tile_that_is_not_there(
    pool: SlidePool, tmp_path: Path, place: tuple[int, int, int]
) -> None:
    slide = pool.get(str(slide_files.write_ycbcr(tmp_path / "y.tiff")))
    with pytest.raises(TileNotFound):
        tile_of(slide, *place)
    with pytest.raises(TileNotFound):
        slide.warm_raw(*place)
    with pytest.raises(TileNotFound):
        slide.raw_tile(*place)


def test_damage_marks_the_tiles_above_it_and_is_not_held(pool: SlidePool, tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    slide_files.damage_tile(path, 1, 1)
    slide = pool.get(str(path))
    for _ in range(2):
        assert tile_of(slide, 3, 0, 0).damaged
        assert slide.warm_made(3, 0, 0) is None
    with pytest.raises(TileDamaged, match="Slide 1"):
        tile_of(slide, 2, 1, 0)


def test_a_slide_cut_short_while_open(pool: SlidePool, tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    slide = pool.get(str(path))
    with path.open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(TileDamaged):
        tile_of(slide, 0, 4, 3)
    assert slide.warm_raw(0, 4, 3) is None


def test_a_thumbnail_is_that_of_a_slide_opened_here(pool: SlidePool, tmp_path: Path) -> None:
    path = slide_files.write_plain(tmp_path / "flat.tiff", "deflate", 1600, 1100)
    source = TileSource(Slide(path, "Slide 1"), 90, TileCache(2**24))
    for size in (60, 300, 2048):
        jpeg = asyncio.run(pool.get(str(path)).thumbnail(size))
        expected = io.BytesIO()
        thumbnail(source, size).save(expected, "JPEG", quality=85)
        assert jpeg == expected.getvalue()


def test_regions(pool: SlidePool, tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    slide, region = pool.get(str(path)), Region(20, 30, 200, 100)
    here = Slide(path, "Slide 1").read_region(region, 5000)
    there = slide.read_region(region, 5000)
    assert there.tobytes() == here.tobytes()
    picture = asyncio.run(slide.region_png(region, 5000))
    assert Image.open(io.BytesIO(picture.png)).tobytes() == here.tobytes()
    assert picture.width == here.width
    with pytest.raises(RegionError, match="leaves the slide"):
        slide.read_region(Region(0, 0, 10**6, 10), 100)


def test_a_file_that_changes_is_not_served_as_the_one_opened(
    pool: SlidePool, tmp_path: Path
) -> None:
    path = slide_files.write_aperio_jpeg2000(tmp_path / "j.svs")
    slide = pool.get(str(path))
    before = tile_of(slide, 0, 0, 0).jpeg
    slide_files.write_plain(tmp_path / "new.svs", "deflate", 300, 217).replace(path)
    # the readers that opened it may go on with it; another one must not take the new file for it
    for column in [0, 1] * 6:
        slide._cache.clear()
        try:
            tile = tile_of(slide, 0, column, 0)
        except SlideGone:
            continue
        assert column == 1 or tile.jpeg == before


@pytest.mark.long
def test_tiles_are_not_made_for_nobody(pool: SlidePool, tmp_path: Path) -> None:
    path = slide_files.write_plain(tmp_path / "flat.tiff", "deflate", 3000, 3000)
    slide = pool.get(str(path))
    top = len(slide.levels) - 1
    begun = []

    async def leave() -> None:
        before = pool.readers.calls_begun
        asked = asyncio.create_task(slide.tile(top, 0, 0))
        while pool.readers.calls_begun == before:  # noqa: ASYNC110  readers offer no event
            await asyncio.sleep(0.005)
        asked.cancel()
        await asyncio.wait([asked])
        await asyncio.sleep(0.2)  # what was running ends
        begun.append(pool.readers.calls_begun)
        await asyncio.sleep(1)
        begun.append(pool.readers.calls_begun)

    asyncio.run(leave())
    assert begun[0] == begun[1]


SAMPLED: list[Callable[[ServedSlide], object]] = [
    lambda slide: asyncio.run(slide.thumbnail(256)),
    lambda slide: tile_of(slide, len(slide.levels) - 1, 0, 0).jpeg,
]


@pytest.mark.parametrize("ask", SAMPLED, ids=["thumbnail", "coarsest tile"])
def test_a_vast_slide_without_a_pyramid_is_drawn_from_samples(
    pool: SlidePool, tmp_path: Path, ask: Callable[[ServedSlide], bytes]
) -> None:
    path = raw_tiff.write_vast(tmp_path / "vast.tiff", 100_000, 100_000)
    slide = pool.get(str(path))
    shown = np.asarray(Image.open(io.BytesIO(ask(slide))).convert("RGB"), int)
    half = shown.shape[1] // 2
    # the left half of the slide is dark, the right half is light
    assert shown[8:-8, 4 : half - 4].mean() == pytest.approx(60, abs=6)
    assert shown[8:-8, half + 4 : -4].mean() == pytest.approx(200, abs=6)


@pytest.mark.parametrize("ask", SAMPLED, ids=["thumbnail", "coarsest tile"])
def test_what_takes_too_long_to_make_is_drawn_from_samples(
    pool: SlidePool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[ServedSlide], bytes],
) -> None:
    path = raw_tiff.write_vast(tmp_path / "large.tiff", 60_000, 60_000)
    slide = pool.get(str(path))
    assert slide._is_vast(len(slide.levels) - 1, 2**32) is False
    monkeypatch.setattr(served_slide, "_PARTS_SHARE", 0.01)
    shown = np.asarray(Image.open(io.BytesIO(ask(slide))).convert("RGB"), int)
    half = shown.shape[1] // 2
    assert shown[8:-8, 4 : half - 4].mean() == pytest.approx(60, abs=6)
    assert shown[8:-8, half + 4 : -4].mean() == pytest.approx(200, abs=6)
