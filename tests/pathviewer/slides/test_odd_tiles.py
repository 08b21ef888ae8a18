"""A tile's own header decides whether it is passed on: each shows what OpenSlide reads there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from openslide import OpenSlide, OpenSlideError

from pathviewer.slides.errors import TileDamaged
from pathviewer.slides.raw_tiles import RawLevel
from pathviewer.slides.slide import Slide
from pathviewer.slides.slide_index import index_of, open_steps
from pathviewer.slides.tile_cache import TileCache
from pathviewer.slides.tiles import TileSource
from tests.odd_tiles import (
    COLUMNS,
    TILE,
    OddTile,
    odd_tiles,
    write_odd_dicom,
    write_odd_tiff,
)
from tests.slide_files import Pixels

Write = Callable[[Path, bool], Path]

SLIDES = [(write, rgb) for write in (write_odd_tiff, write_odd_dicom) for rgb in (False, True)]
NAMES = ["tiff ycbcr", "tiff rgb", "dicom ycbcr", "dicom rgb"]


def openslides(path: Path, column: int, row: int) -> Pixels | None:
    """What OpenSlide reads, `None` if it reads nothing; errors stick to what is open."""
    with OpenSlide(path) as slide:
        try:
            tile = slide.read_region((column * TILE, row * TILE), 0, (TILE, TILE))
        except OpenSlideError:
            return None
    return np.asarray(tile.convert("RGB"))


def check(source: TileSource, path: Path, column: int, row: int, kind: OddTile) -> None:
    expected = openslides(path, column, row)
    assert (expected is not None) == kind.sound, kind.reason
    if expected is None:
        with pytest.raises(TileDamaged):
            source.tile(0, column, row)
        return
    tile = source.tile(0, column, row)
    assert tile.source == ("raw" if kind.raw else "transcoded"), kind.reason
    difference = np.abs(simplejpeg.decode_jpeg(tile.jpeg).astype(int) - expected)
    assert difference.max() <= (0 if kind.raw else 40), kind.reason
    assert difference.mean() <= (0 if kind.raw else 3), kind.reason


@pytest.mark.parametrize(("write", "rgb"), SLIDES, ids=NAMES)
def test_every_tile_is_what_openslide_reads(write: Write, rgb: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "odd", rgb)
    source = TileSource(Slide(path, "x"), 95, TileCache(2**24))
    assert source.levels[0].passthrough
    for index, kind in enumerate(odd_tiles(rgb)):
        row, column = divmod(index, COLUMNS)
        check(source, path, column, row, kind)


@pytest.mark.parametrize(("write", "rgb"), SLIDES, ids=NAMES)
def test_the_server_gives_the_same_tiles_from_memory(
    write: Write, rgb: bool, tmp_path: Path
) -> None:
    source = TileSource(Slide(write(tmp_path / "odd", rgb), "x"), 95, TileCache(2**24))
    raw = open_steps(index_of(source), "x")[0].raw
    assert isinstance(raw, RawLevel)
    for index, kind in enumerate(odd_tiles(rgb)):
        row, column = divmod(index, COLUMNS)
        tile = raw.read(column, row, "x")
        assert (tile is not None) == kind.raw, kind.reason
        warm = raw.read_warm(index)
        assert warm is None or bytes(warm) == tile, kind.reason
        assert raw.file.warm_flag == 0 or (warm is not None) == kind.raw, kind.reason
