"""Recipes give the same pixels again, and quadrants move with the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.data.tiles import QUADRANTS, read_tiles
from models.training.specimen.measures import derive_facts, measure
from models.training.specimen.mosaics import (
    PictureRecipe,
    TileView,
    draw_glass,
    draw_picture,
    laid_counts,
    lay_tile,
    quadrant_shares,
)
from tests.models.training.made_tiles import made_folder


@given(st.lists(st.integers(0, 250), min_size=4, max_size=4), st.integers(0, 3), st.booleans())
def test_counts_move_as_the_pixels_do(counts: list[int], turns: int, mirrored: bool) -> None:
    view = TileView(turns=turns, mirrored=mirrored)
    blocks = np.array(counts, dtype=np.uint8).reshape(2, 2).repeat(8, 0).repeat(8, 1)
    laid = lay_tile(np.stack([blocks] * 3, axis=2), view, 16)
    told = laid_counts(dict(zip(QUADRANTS, counts, strict=True)), view)
    corners = {"upper left": (0, 0), "upper right": (0, 15)}
    corners |= {"lower left": (15, 0), "lower right": (15, 15)}
    assert told == {name: laid[place][0] for name, place in corners.items()}


def test_a_whole_square_tile_is_left_as_it_is() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    assert np.array_equal(lay_tile(rgb, TileView(), 224), rgb)


def test_the_middle_of_a_wide_tile_is_shown() -> None:
    rgb = np.zeros((100, 300, 3), dtype=np.uint8)
    rgb[:, 100:200] = 255
    assert lay_tile(rgb, TileView(), 50)[:, 1:-1].min() > 250  # resizing mixes in the very edge


@pytest.mark.parametrize("seed", range(25))
def test_empty_pictures_show_no_tissue(seed: int) -> None:
    assert derive_facts(measure(draw_glass(seed))).claims == {"tissue": ("absent",)}


def test_a_mosaic_has_a_part_of_each_tile_and_is_the_same_again(tmp_path: Path) -> None:
    tiles = read_tiles(made_folder(tmp_path, groups=1, copies=1, phantoms=False), "train")
    few, _, many = tiles
    picture = PictureRecipe("mosaic", (few, few, few, many), TileView(share=0.5, left_edge=0.4))
    pixels = draw_picture(picture)
    assert pixels.shape == (224, 224, 3)
    assert np.array_equal(pixels, draw_picture(picture))
    shares = quadrant_shares(pixels)
    assert max(shares, key=lambda name: shares[name]) == "lower right"


def test_blur_hides_detail(tmp_path: Path) -> None:
    tile = read_tiles(made_folder(tmp_path, groups=1, copies=1, phantoms=False), "train")[2]
    blurred = derive_facts(measure(draw_picture(PictureRecipe("tile", (tile,), blur=4.0))))
    assert blurred.claims["focus"] == ("blurred",)


def test_places_of_a_mosaic_may_be_background(tiles: Path) -> None:
    parts = tuple(read_tiles(tiles, "train")[:4])
    whole = draw_picture(PictureRecipe("mosaic", parts))
    bare = draw_picture(PictureRecipe("mosaic", parts, glass=(0, 3), seed=5))
    half = whole.shape[0] // 2
    assert (bare[:half, half:] == whole[:half, half:]).all()
    assert (bare[half:, :half] == whole[half:, :half]).all()
    assert bare[:half, :half].min() > 120
    assert (bare[half:, half:] == bare[:half, :half]).all()
