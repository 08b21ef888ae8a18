"""Data folders: what is written is read, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.training.data.tiles import (
    MANIFEST,
    DataError,
    Tile,
    empty_folder,
    load_rgb,
    read_tiles,
    write_manifest,
)

HEADER = "path,label,group_id,split,source"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 6), "pink").save(tmp_path / name)
    return tmp_path


def test_what_is_written_is_read(folder: Path) -> None:
    counts = {"upper left": 3, "upper right": 0, "lower left": 1, "lower right": 2}
    tiles = [
        Tile(folder / "a.png", "benign", "g1", "train", "made"),
        Tile(folder / "b.png", "phantom", "g2", "test", "made", counts),
    ]
    write_manifest(folder, tiles)
    assert read_tiles(folder) == tiles
    assert read_tiles(folder, "test") == tiles[1:]
    assert load_rgb(tiles[0]).shape == (6, 8, 3)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["path,label"], "lacks group_id, split, source"),
        ([HEADER, "a.png,cat,g,train,s"], "line 2: the label 'cat'"),
        ([HEADER, "a.png,benign,g,exam,s"], "line 2: the split 'exam'"),
        ([HEADER, "a.png,benign,,train,s"], "a.png has no group_id"),
        ([HEADER, "c.png,benign,g,train,s"], "picture 'c.png' is missing"),
        ([HEADER, "a.png,benign"], "line 2"),  # cut off
        ([HEADER, "a.png,benign,g,train,s", "a.png,benign,h,train,s"], "names a.png twice"),
        ([HEADER, "a.png,benign,g,train,s", "b.png,benign,g,test,s"], "a group must stay whole"),
        ([HEADER + ",nuclei_upper_left", "a.png,benign,g,train,s,many"], "not four numbers"),
        ([HEADER], "has no tiles"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, lines: list[str], told: str) -> None:
    (folder / MANIFEST).write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=told):
        read_tiles(folder)


def test_no_manifest_and_no_such_split(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no manifest\.csv"):
        read_tiles(folder)
    write_manifest(folder, [Tile(folder / "a.png", "benign", "g", "train", "s")])
    with pytest.raises(DataError, match="no tiles of the split 'rl'"):
        read_tiles(folder, "rl")


def test_a_damaged_picture_is_a_sentence(folder: Path) -> None:
    (folder / "a.png").write_bytes((folder / "a.png").read_bytes()[:40])
    with pytest.raises(DataError, match=r"a\.png"):
        load_rgb(Tile(folder / "a.png", "benign", "g", "train", "s"))


def test_transparent_is_white(folder: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(folder / "a.png")
    assert np.all(load_rgb(Tile(folder / "a.png", "benign", "g", "train", "s")) == 255)


def test_a_folder_that_holds_something_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="not empty"):
        empty_folder(folder)
    with pytest.raises(DataError, match="cannot be written to"):
        empty_folder(folder / "a.png" / "below")
