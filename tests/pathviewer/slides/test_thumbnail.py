"""A slide as one small picture, whatever became of its tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pathviewer.slides.errors import TileDamaged
from pathviewer.slides.slide import Slide
from pathviewer.slides.thumbnail import thumbnail
from pathviewer.slides.tile_cache import TileCache
from pathviewer.slides.tiles import TileSource
from tests import slide_files


def source_of(path: Path) -> TileSource:
    return TileSource(Slide(path, "Slide 1"), 90, TileCache(2**24))


@pytest.mark.parametrize("size", [16, 75, 200, 300, 2048])
def test_the_longer_side_is_as_asked_and_never_enlarged(tmp_path: Path, size: int) -> None:
    picture = thumbnail(source_of(slide_files.write_ycbcr(tmp_path / "y.tiff")), size)
    assert max(picture.size) == min(size, 300)


def test_it_shows_the_slide(tmp_path: Path) -> None:
    picture = thumbnail(source_of(slide_files.write_ycbcr(tmp_path / "y.tiff")), 300)
    shown = np.asarray(picture).astype(int)
    assert np.abs(shown - slide_files.tissue(300, 217)).mean() < 4


@pytest.mark.parametrize("reason", ["no jpeg", "cut short", "another size"])
def test_a_damaged_tile_is_marked(tmp_path: Path, reason: str) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    if reason == "no jpeg":
        slide_files.damage_tile(path, 0, 6)
    elif reason == "cut short":
        slide_files.replace_tile(path, 0, 6, b"\xff\xd8\xff\xdb")
    else:
        slide_files.resize_tile(path, 0, 6, 16, 16)
    shown = np.asarray(thumbnail(source_of(path), 300)).astype(int)
    assert set(np.unique(shown[64:128, 64:128])) == {96, 160}
    shown[64:128, 64:128] = slide_files.tissue(300, 217)[64:128, 64:128]
    assert np.abs(shown - slide_files.tissue(300, 217)).mean() < 4


def test_nothing_but_damage_is_an_error(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    for index in range(2):
        slide_files.damage_tile(path, 1, index)
    with pytest.raises(TileDamaged, match="Slide 1"):
        thumbnail(source_of(path), 70)
