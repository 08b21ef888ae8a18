"""Import from both layouts."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.training.data.import_tiles import (
    find_pictures,
    import_tiles,
    keep_per_group,
    read_groups,
)
from models.training.data.splits import read_split_list
from models.training.data.tiles import DataError, read_tiles


def smooth(seed: int, side: int = 96) -> Image.Image:
    """A picture of a few large blots, another for each seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """LC25000's layout: 4 pictures a class, the last a mirrored copy of the first."""
    home = tmp_path / "archive"
    folders = ("lung_image_sets/lung_aca", "lung_image_sets/lung_n", "colon_image_sets/colon_n")
    for place, folder in enumerate(folders):
        (home / folder).mkdir(parents=True)
        stem = folder.rpartition("/")[2].replace("_", "")
        for number in range(3):
            smooth(place * 10 + number, 768).save(home / folder / f"{stem}{number}.jpeg")
        mirrored = smooth(place * 10, 768).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        mirrored.save(home / folder / f"{stem}3.jpeg")
    return home


def table(path: Path, archive: Path) -> Path:
    """A CSV as LC25000-clean's `lc25000_image_groups.csv`: two pictures a group."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["stem", "filename", "label", "tissue", "local_cluster_label", "group_id"])
        for picture in sorted(archive.rglob("*.jpeg")):
            number = int(picture.stem[-1]) // 2 + 1
            label = picture.parent.name
            writer.writerow([picture.stem, picture.name, label, "lung", number, 700 + number])
    return path


def test_archive_with_groups(archive: Path, tmp_path: Path) -> None:
    done = import_tiles(archive, tmp_path / "out", groups=table(tmp_path / "g.csv", archive))
    tiles = read_tiles(tmp_path / "out")
    assert {tile.label for tile in tiles} == {"adenocarcinoma", "benign", "other"}
    assert {tile.group_id for tile in tiles if tile.label == "benign"} == {"lung_n-1", "lung_n-2"}
    assert all(Image.open(tile.path).size == (224, 224) for tile in tiles)
    listed = read_split_list()
    named = [tile for tile in tiles if tile.group_id in listed]
    assert named and all(tile.split == listed[tile.group_id] for tile in named)
    assert done.listed_groups + done.unlisted_groups == len({tile.group_id for tile in tiles}) == 6


def test_archive_without_groups_joins_copies(archive: Path) -> None:
    found = {each.path.stem: each.group_id for each in find_pictures(archive)}
    assert found["lungaca0"] == found["lungaca3"]
    assert len({group for stem, group in found.items() if stem.startswith("lungaca")}) == 3


def test_clusters_file_of_a_class(tmp_path: Path) -> None:
    for label in ("lung_aca", "lung_n"):
        path = tmp_path / label / "UNI" / "final_clusters.csv"
        path.parent.mkdir(parents=True)
        path.write_text(f"cluster_label,img_path\n7,./LC25000/{label}/{label}1.jpeg\n")
    assert read_groups(tmp_path) == {"lung_aca1": "lung_aca-7", "lung_n1": "lung_n-7"}


def test_a_picture_the_groups_lack_is_refused(archive: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "g.csv", archive)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DataError, match="lack lungn3"):
        find_pictures(archive, path)


def test_folder_with_a_manifest(tmp_path: Path) -> None:
    source = tmp_path / "set"
    source.mkdir()
    smooth(1).save(source / "a.png")
    smooth(2, 300).resize((600, 300)).save(source / "b.png")
    (source / "manifest.csv").write_text(
        "path,label,group_id\na.png,squamous cell carcinoma,lung_scc-10\nb.png,benign,mine-1\n"
    )
    done = import_tiles(source, tmp_path / "out")
    first, second = read_tiles(tmp_path / "out")
    assert (done.listed_groups, done.unlisted_groups) == (1, 1)
    assert (first.label, first.source) == ("squamous_cell_carcinoma", "set")
    assert first.path.read_bytes() == (source / "a.png").read_bytes()
    assert Image.open(second.path).size == (448, 224)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("a.png,cat,g", "line 2"),
        ("b.png,benign,g", "line 2"),
        ("a.png,benign,", "line 2"),
        ("../out.png,benign,g", "lies outside"),
    ],
)
def test_manifest_that_is_wrong(tmp_path: Path, rows: str, told: str) -> None:
    source = tmp_path / "set"
    source.mkdir()
    smooth(1).save(source / "a.png")
    smooth(1).save(tmp_path / "out.png")
    (source / "manifest.csv").write_text(f"path,label,group_id\n{rows}\n")
    with pytest.raises(DataError, match=told):
        import_tiles(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_neither_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither"):
        find_pictures(tmp_path)


def test_the_same_copies_are_kept_every_time(archive: Path, tmp_path: Path) -> None:
    found = find_pictures(archive, table(tmp_path / "g.csv", archive))
    kept = keep_per_group(found, 1)
    assert len(kept) == len({each.group_id for each in found}) == 6
    assert kept == keep_per_group(list(reversed(found)), 1)
    with pytest.raises(DataError, match="not 0"):
        keep_per_group(found, 0)
