"""`bench maps`: its controls say what they must, on one phantom with the embedded model."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from models.fills import FILLS, GREY
from pathviewer.bench.maps import top_cells
from pathviewer.commands.main import app


@pytest.mark.long
def test_the_controls_hold_for_the_mean_colour() -> None:
    arguments = ["--slides", "1", "--per-slide", "3", "--fill", "mean colour", "--json"]
    run = CliRunner().invoke(app, ["bench", "maps", *arguments])
    assert run.exit_code == 0, run.output
    rows = {row["method"]: row for row in json.loads(run.stdout)["maps"]}
    assert rows["true evidence"]["right"] == 1
    assert rows["true evidence"]["matters: mean colour"] > 0.9
    assert rows["random"]["matters: mean colour"] < 0.9
    assert rows["occlusion, cells"]["matters: mean colour"] > 0.6
    assert rows["occlusion, cells"]["seconds"] > 0


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
