"""The check finds copies across splits however they lie, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.training.data.near_duplicates import NEAR_DISTANCE
from models.training.data.split_proof import check_folders
from models.training.data.tiles import Tile, write_manifest

TURNS = [None, *Image.Transpose]


def smooth(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8))
    return coarse.resize((120, 120), Image.Resampling.BICUBIC)


def data(folder: Path, pictures: list[tuple[Image.Image, str, str]]) -> Path:
    """A folder of pictures, each with its group and split."""
    folder.mkdir()
    tiles = []
    for number, (picture, group, split) in enumerate(pictures):
        path = folder / f"{number}.png"
        picture.save(path)
        tiles.append(Tile(path, "benign", group, split, folder.name))
    write_manifest(folder, tiles)
    return folder


def test_different_pictures_pass(tmp_path: Path) -> None:
    splits = ("train", "rl", "validation", "test")
    pictures = [(smooth(seed), f"g{seed}", splits[seed % 4]) for seed in range(24)]
    found = check_folders([data(tmp_path / "a", pictures)])
    assert not found.has_overlap
    assert (found.tiles, found.groups) == (24, 24)
    assert found.closest is not None and found.closest > NEAR_DISTANCE
    assert "24 tiles of 24 groups" in found.sentences(5)[0]


@pytest.mark.parametrize("turn", TURNS)
def test_a_copy_is_found_turned_recoloured_and_compressed(
    tmp_path: Path, turn: Image.Transpose | None
) -> None:
    copy = smooth(1) if turn is None else smooth(1).transpose(turn)
    copy.save(tmp_path / "copy.jpg", quality=60)
    with Image.open(tmp_path / "copy.jpg") as saved:
        changed = Image.fromarray((np.asarray(saved) * 0.9).astype(np.uint8)).resize((100, 100))
    one = data(tmp_path / "a", [(smooth(1), "g1", "train"), (smooth(2), "g2", "test")])
    other = data(tmp_path / "b", [(changed, "g3", "test")])
    found = check_folders([one, other])
    assert [(pair.first.group_id, pair.second.group_id) for pair in found.pairs] == [("g1", "g3")]
    assert found.has_overlap
    assert "g1" in found.sentences(5)[0]


def test_copies_within_a_split_are_no_matter(tmp_path: Path) -> None:
    pictures = [(smooth(1), "g1", "train"), (smooth(1), "g2", "train"), (smooth(2), "g3", "test")]
    assert not check_folders([data(tmp_path / "a", pictures)]).has_overlap


def test_a_group_of_two_folders_may_not_stand_in_two_splits(tmp_path: Path) -> None:
    one = data(tmp_path / "a", [(smooth(1), "g1", "train")])
    other = data(tmp_path / "b", [(smooth(2), "g1", "test")])
    found = check_folders([one, other])
    assert found.split_groups == ("g1",)
    assert found.as_dict()["split_groups"] == ["g1"]
    assert found.has_overlap
