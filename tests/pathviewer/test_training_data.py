"""The commands that make, check and describe training data, on small made-up sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from models.training.data.tiles import load_rgb, read_tiles
from models.training.specimen.measures import clear_quadrant, open_mask
from models.training.specimen.mosaics import quadrant_shares
from pathviewer.commands.phantom_tiles import PER_SLIDE, write_phantom_tiles
from pathviewer.commands.train import app
from tests.commands import called
from tests.models.training.made_tiles import made_folder
from tests.slide_files import tissue, write_ycbcr


@pytest.fixture(scope="module")
def run() -> Callable[..., tuple[int, str]]:
    def call(*arguments: str | Path) -> tuple[int, str]:
        done = called(app, *arguments)
        return done.code, done.told

    return call


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "phantom"
    done: list[int] = []
    write_phantom_tiles(folder, count=PER_SLIDE + 3, seed=2, progress=done.append)
    assert done == [PER_SLIDE, 3]
    return folder


def test_phantom_tiles_know_their_nuclei(phantoms: Path) -> None:
    tiles = read_tiles(phantoms)
    assert len(tiles) == PER_SLIDE + 3
    assert {tile.label for tile in tiles} == {"phantom"}
    assert len({tile.group_id for tile in tiles}) == 2
    clear = [tile for tile in tiles if clear_quadrant(tile.quadrant_counts or {})]
    assert len(clear) >= PER_SLIDE // 2
    agreeing = 0
    for tile in clear:
        rgb = load_rgb(tile)
        assert rgb.shape == (224, 224, 3)
        shares = quadrant_shares(rgb)
        agreeing += clear_quadrant(tile.quadrant_counts or {}) == max(
            shares, key=lambda name: shares[name]
        )
    assert agreeing >= 0.6 * len(clear)  # counts are not areas


def test_import_check_items_and_baseline(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    made = made_folder(tmp_path / "made", groups=2, copies=1)
    assert run("import", "--from", made, "--out", tmp_path / "data")[0] == 0
    assert len(read_tiles(tmp_path / "data")) == 32
    code, told = run("baseline", "--data", made, "--colour", "as-is", "--json")
    assert code == 0
    assert json.loads(told)["baselines"][0]["n"] == 6
    code, _ = run(
        "items", "--data", made, "--split", "rl", "--count", "5", "--out", tmp_path / "set"
    )
    assert code == 0
    assert len((tmp_path / "set" / "questions.jsonl").read_text().splitlines()) == 5


def scaled_slide(path: Path, mpp: float) -> Path:
    """300 x 217 px of tissue, at a scale that its file tells."""
    scale = (10_000 / mpp, 10_000 / mpp)
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(
            tissue(300, 217),
            tile=(64, 64),
            photometric="rgb",
            resolution=scale,
            resolutionunit="CENTIMETER",
        )
    return path


def test_a_slide_is_cut_where_it_shows_tissue(
    run: Callable[..., tuple[int, str]], tmp_path: Path, cmu: Path
) -> None:
    code, told = run("data", "cut", cmu, "--out", tmp_path / "cut")
    assert code == 0, told
    tiles = read_tiles(tmp_path / "cut", "test")
    assert len(tiles) == 17  # of 24; the others are glass
    assert {(tile.label, tile.group_id) for tile in tiles} == {("other", cmu.stem)}
    assert all(load_rgb(tile).shape == (224, 224, 3) for tile in tiles)
    assert max(open_mask(load_rgb(tile)).mean() for tile in tiles) < 0.98


def test_slides_that_cannot_be_cut_are_refused(
    run: Callable[..., tuple[int, str]], tmp_path: Path, cmu: Path
) -> None:
    plain = write_ycbcr(tmp_path / "plain.tiff", 400, 300)
    coarse = scaled_slide(tmp_path / "coarse.tiff", 2)
    small = scaled_slide(tmp_path / "small.tiff", 0.25)  # 75 um wide
    for slides, told in [
        ((plain,), "plain.tiff gives no tile of a known scale"),
        ((tmp_path / "none.svs",), "none.svs"),
        ((coarse,), "coarse.tiff has 2 um per pixel, coarser than the 1 of a tile"),
        ((small,), "No tile of 224 um shows tissue"),
        ((cmu, cmu), f"Two slides are named {cmu.stem}"),
        ((cmu, "--label", "liver"), "'liver' is none of benign"),
    ]:
        code, said = run("data", "cut", *slides, "--out", tmp_path / "refused")
        assert code == 1
        assert told in said


def test_check_exits_1_with_the_pairs(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    picture = Image.fromarray(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8)).resize((90, 90))
    picture.save(tmp_path / "a.png")
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.png")
    rows = "path,label,group_id,split,source\na.png,benign,g1,train,s\nb.png,benign,g2,test,s\n"
    (tmp_path / "manifest.csv").write_text(rows)
    code, told = run("data", "check", tmp_path)
    assert code == 1
    assert "a.png (g1, train) and b.png (g2, test) differ in 0 bits." in told
    code, told = run("data", "check", tmp_path, "--json")
    assert code == 1
    assert json.loads(told)["pairs"][0]["groups"] == ["g1", "g2"]
    (tmp_path / "manifest.csv").write_text(rows.replace("test", "train"))
    assert run("check", tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["data", "check", "{}/none"], "no manifest.csv"),
        (["data", "import", "--from", "{}", "--out", "{}/out"], "neither"),
        (["data", "phantom", "--out", "{}"], "not empty"),
        (["baseline", "--data", "{}", "--colour", "red"], "--colour red"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    run: Callable[..., tuple[int, str]], tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "something").touch()
    code, said = run(*(each.format(tmp_path) for each in arguments))
    assert code == 1
    assert told in said
