"""`bench maps`: its controls say what they must, on one phantom with the embedded model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from models.errors import ModelError
from models.fills import FILLS, GREY
from models.occlusion import top_cells
from pathviewer.bench.known_regions import SIDE
from pathviewer.bench.map_curves import SHARES, Curves, mean_curves
from pathviewer.bench.map_methods import DEFAULT_METHOD
from pathviewer.bench.model_commands import map_lines
from pathviewer.bench.outlined_nuclei import read_outlined
from pathviewer.bench.phantom_regions import draw_regions
from pathviewer.commands.main import app


@pytest.mark.long
def test_the_controls_hold_for_the_mean_colour() -> None:
    arguments = ["--slides", "1", "--per-slide", "2", "--fill", "mean colour", "--json"]
    arguments += ["--no-claims"]
    run = CliRunner().invoke(app, ["bench", "maps", *arguments, "--method", DEFAULT_METHOD])
    assert run.exit_code == 0, run.output
    figures = json.loads(run.stdout)
    fill = figures["fills"]["mean colour"]
    assert fill["positive_control"] > 0.9
    assert fill["negative_control"] < 0.9
    row = figures["methods"][DEFAULT_METHOD]
    assert row["matters"] > 0.6
    assert row["seconds_ratio"] > 0
    assert row["deletion_area"] > 0.5
    assert "\n".join(map_lines(figures)).count("occlusion of cells") == 1


def test_outlined_nuclei_are_counted_by_quadrant(tmp_path: Path) -> None:
    (region,) = draw_regions(tmp_path, 1, 1)
    folder, out = tmp_path / "tiles", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    shutil.copyfile(region.item.image, folder / "tile.png")
    outlines = np.zeros((SIDE, SIDE), np.uint16)
    for number, (x, y) in enumerate((region.nuclei * SIDE).astype(int).tolist(), 1):
        outlines[y, x] = number
    Image.fromarray(outlines).save(folder / "tile_nuclei.png")
    (tile,) = read_outlined(folder, out, 9)
    assert tile.item.gold == region.item.gold
    assert np.array_equal(tile.evidence(8, 8) > 0, region.evidence(8, 8) > 0)
    with pytest.raises(ModelError, match="no outlines"):
        list(read_outlined(out, out, 9))


def test_the_area_under_a_curve_is_that_of_its_points() -> None:
    at_once = Curves((0.0,) + (1.0,) * (len(SHARES) - 1), SHARES)
    assert at_once.deletion_area == pytest.approx(1 - SHARES[1] / 2)
    assert at_once.insertion_area == pytest.approx(0.5)
    assert mean_curves([None])["deletion_area"] is None
    mean = mean_curves([at_once, None, Curves(SHARES, SHARES)])
    assert mean["deletion_area"] == pytest.approx((1 - SHARES[1] / 2 + 0.5) / 2)


def test_an_unknown_fill_is_refused_with_the_known_ones() -> None:
    run = CliRunner().invoke(app, ["bench", "maps", "--fill", "black"])
    assert run.exit_code == 1
    assert "There is no fill black; there are: blur, grey, mean colour" in str(run.exception)


@pytest.mark.parametrize("fill", FILLS)
def test_a_fill_changes_the_masked_cells_alone(fill: str) -> None:
    chance = np.random.default_rng(0)
    picture = Image.fromarray(chance.integers(0, 200, (90, 60, 3)).astype(np.uint8))
    mask = np.zeros((3, 2), np.bool_)
    mask[1, 0] = True
    before, after = np.asarray(picture), np.asarray(FILLS[fill](picture, mask))
    changed = (before != after).any(axis=2)
    assert changed[30:60, :30].mean() > 0.9
    changed[30:60, :30] = False
    assert not changed.any()


def test_fills_are_what_their_names_say() -> None:
    picture = Image.new("RGB", (20, 20), (10, 20, 30))
    everything = np.ones((2, 2), np.bool_)
    colours = {name: fill(picture, everything).getpixel((3, 3)) for name, fill in FILLS.items()}
    assert colours["grey"] == GREY
    assert colours["white"] == (255, 255, 255)
    for name in ("blur", "mean colour", "plain tissue"):
        assert colours[name] == (10, 20, 30)


def test_plain_tissue_is_even_and_no_glass() -> None:
    pixels = np.full((10, 40, 3), 120, np.uint8)
    pixels[:, :10] = np.random.default_rng(0).integers(0, 255, (10, 10, 3))  # busy
    pixels[:, 20:30] = 250  # glass
    mask = np.array([[True, False, False, False]])
    filled = np.asarray(FILLS["plain tissue"](Image.fromarray(pixels), mask))
    assert (filled[:, :10] == 120).all()


def test_the_top_cells_are_those_with_most_weight() -> None:
    weights = np.arange(20, dtype=np.float32).reshape(4, 5)
    chosen = top_cells(weights)
    assert chosen.sum() == 2
    assert chosen[3, 3:].all()
    assert top_cells(np.zeros((1, 1), np.float32)).all()
