"""Every tile shows what OpenSlide shows, whatever way it took."""

from __future__ import annotations

import io
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from openslide import OpenSlide
from PIL import Image

from pathviewer.slides.errors import TileDamaged, TileNotFound
from pathviewer.slides.geometry import Level
from pathviewer.slides.slide import Slide
from pathviewer.slides.tile_cache import Tile, TileCache
from pathviewer.slides.tiles import TileSource
from tests import slide_files

Pixels = slide_files.Pixels

WRITERS = [
    (slide_files.write_ycbcr, True),
    (slide_files.write_aperio_rgb, True),
    (slide_files.write_aperio_jpeg2000, False),
    (slide_files.write_plain, False),
    (lambda path: slide_files.write_plain(path, "deflate"), False),
]
NAMES = ["ycbcr", "aperio rgb", "jpeg 2000", "uncompressed", "deflate"]


def source_of(path: Path, cache_bytes: int = 2**24) -> TileSource:
    return TileSource(Slide(path, "Slide 1"), 90, TileCache(cache_bytes))


def tile_of(count: int) -> Tile:
    return Tile(bytes(count), "transcoded")


def native_pixels(path: Path, source: TileSource) -> list[tuple[int, Level, Pixels]]:
    """(level index, level, OpenSlide's RGB pixels) of the native levels."""
    found = []
    slide = OpenSlide(path)
    natives = [(i, level) for i, level in enumerate(source.levels) if level.native]
    for native, (index, level) in enumerate(natives):
        whole = slide.read_region((0, 0), native, (level.width, level.height))
        white = Image.new("RGBA", whole.size, "white")
        filled = Image.alpha_composite(white, whole).convert("RGB")
        found.append((index, level, np.asarray(filled)))
    return found


def drawn(source: TileSource, index: int) -> Pixels:
    """A level put together from its tiles, as two decoders agree on it."""
    level = source.levels[index]
    out = np.zeros((level.height, level.width, 3), np.uint8)
    for row in range(level.rows):
        for column in range(level.columns):
            jpeg = source.tile(index, column, row).jpeg
            tile = simplejpeg.decode_jpeg(jpeg)
            assert np.array_equal(tile, np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")))
            y, x = row * level.tile_height, column * level.tile_width
            place = out[y : y + level.tile_height, x : x + level.tile_width]
            place[:] = tile[: place.shape[0], : place.shape[1]]
    return out


def assert_exact(path: Path, *, raw: bool) -> None:
    source = source_of(path)
    for index, level, expected in native_pixels(path, source):
        assert level.passthrough == raw
        difference = np.abs(drawn(source, index).astype(int) - expected)
        assert difference.max() == 0 if raw else difference.mean() < 4


def assert_in_between_near_box_filter(path: Path) -> None:
    source = source_of(path)
    natives = native_pixels(path, source)
    made = [(i, level) for i, level in enumerate(source.levels) if not level.native]
    assert made
    for index, level in made:
        _, finest, pixels = [entry for entry in natives if entry[0] < index][-1]
        factor = round(level.downsample.x / finest.downsample.x)
        expected = np.asarray(Image.fromarray(pixels).reduce(factor))
        assert expected.shape[:2] == (level.height, level.width)
        assert np.abs(drawn(source, index).astype(int) - expected).mean() < 4


@pytest.mark.parametrize(("write", "raw"), WRITERS, ids=NAMES)
def test_tiles_of_odd_slides(write: Callable[[Path], Path], raw: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "slide.svs")
    assert_exact(path, raw=raw)
    assert_in_between_near_box_filter(path)


def test_tiles_of_cmu_1(cmu: Path) -> None:
    assert_exact(cmu, raw=True)
    assert_in_between_near_box_filter(cmu)


def test_tiles_of_the_phantom(small_phantom: Path) -> None:
    assert_exact(small_phantom, raw=True)
    assert_in_between_near_box_filter(small_phantom)


def test_levels_go_down_to_one_tile(cmu: Path) -> None:
    levels = source_of(cmu).levels
    assert [level.downsample.mean for level in levels] == [1, 2, 4, 8, 16]
    assert (levels[-1].columns, levels[-1].rows) == (1, 1)
    assert [level.native for level in levels] == [True, False, False, False, False]


def test_steps_of_four_get_one_level_in_between(tmp_path: Path) -> None:
    levels = source_of(slide_files.write_ycbcr(tmp_path / "y.tiff")).levels
    assert [level.native for level in levels] == [True, False, True, False]


@pytest.mark.parametrize(
    "place",
    [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (4, 0, 0), (0, 5, 0), (0, 0, 4), (10**30,) * 3],
)
def test_a_tile_that_is_not_there(tmp_path: Path, place: tuple[int, int, int]) -> None:
    source = source_of(slide_files.write_ycbcr(tmp_path / "y.tiff"))
    with pytest.raises(TileNotFound):
        source.tile(*place)


def test_a_damaged_tile_is_an_error_and_a_mark_above(tmp_path: Path) -> None:
    path = slide_files.write_aperio_rgb(tmp_path / "rgb.svs")
    slide_files.damage_tile(path, 0, 6)
    source = source_of(path)
    with pytest.raises(TileDamaged, match="Slide 1"):
        source.tile(0, 1, 1)
    assert source.tile(0, 0, 1).source == "raw"
    above = simplejpeg.decode_jpeg(source.tile(1, 0, 0).jpeg)
    assert np.ptp(above[40:60, 40:60].astype(int), axis=2).max() < 30
    assert above[40:60, 40:60].mean() == pytest.approx(128, abs=12)


def test_a_tile_above_damage_is_made_anew_once_it_is_readable(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    sound = path.read_bytes()
    before = source_of(path).tile(3, 0, 0)
    slide_files.damage_tile(path, 1, 1)
    source = source_of(path)
    for _ in range(2):
        assert source.tile(3, 0, 0).damaged
    path.write_bytes(sound)
    assert source.tile(3, 0, 0) == before


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (40, 40, "too small: what it leaves open would show the server's memory"),
        (64, 56, "too low"),
        (65_500, 65_500, "gigabytes of pixels"),
    ],
)
def test_a_tile_of_another_size_is_damage(
    tmp_path: Path, width: int, height: int, reason: str
) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    slide_files.resize_tile(path, 0, 6, width, height)
    source = source_of(path)
    assert source.levels[0].passthrough
    tracemalloc.start()
    tile = source.tile(1, 0, 0)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
    assert tile.damaged
    drawn = simplejpeg.decode_jpeg(tile.jpeg)
    assert drawn[34:60, 34:60].mean() == pytest.approx(128, abs=12)


def test_a_sound_jpeg_of_another_size_is_damage(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    small = slide_files.ycbcr_jpeg(np.full((24, 24, 3), 200, np.uint8))
    slide_files.replace_tile(path, 0, 6, small)
    source = source_of(path)
    tiles = {source_of(path).tile(1, 0, 0).jpeg for _ in range(3)}
    assert len(tiles) == 1
    assert source.tile(1, 0, 0).damaged


def test_a_slide_whose_first_tile_is_damaged(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    slide_files.damage_tile(path, 0, 0)
    source = source_of(path)
    assert not source.levels[0].passthrough
    with pytest.raises(TileDamaged):
        source.tile(0, 0, 0)
    assert source.tile(0, 1, 0).source == "transcoded"


def test_a_slide_cut_short_while_open(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    source = source_of(path)
    with path.open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(TileDamaged):
        source.tile(0, 4, 3)


def test_a_tile_is_made_once_for_many(tmp_path: Path) -> None:
    made, cache = [], TileCache(2**20)
    started = threading.Barrier(8)

    def make() -> Tile:
        made.append(1)
        time.sleep(0.05)
        return tile_of(7)

    def ask(_: int) -> Tile:
        started.wait()
        return cache.get_or_make("key", make)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {tile_of(7)}
    assert len(made) == 1


def test_the_cache_is_bounded_by_bytes() -> None:
    cache = TileCache(1000)
    for key in range(100):
        cache.get_or_make(key, lambda: tile_of(300))
    assert cache.size <= 1000
    assert cache.get(99) is not None
    assert cache.get(0) is None
    assert cache.get_or_make("huge", lambda: tile_of(5000)) == tile_of(5000)
    assert cache.get("huge") is None


def test_what_fails_is_tried_again() -> None:
    cache = TileCache(1000)

    def fail() -> Tile:
        raise TileDamaged("damaged")

    for _ in range(2):
        with pytest.raises(TileDamaged):
            cache.get_or_make("key", fail)
    assert cache.get_or_make("key", lambda: tile_of(5)) == tile_of(5)


def test_what_is_damaged_is_made_again() -> None:
    cache = TileCache(1000)
    damaged = Tile(bytes(10), "transcoded", damaged=True)
    assert cache.get_or_make("key", lambda: damaged) == damaged
    assert cache.get("key") is None
    assert cache.get_or_make("key", lambda: tile_of(5)) == tile_of(5)
