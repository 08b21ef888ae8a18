from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.attention import AttentionMap
from models.messages import Box, PixelBudget
from models.placement import place_picture
from pathviewer.attention.colour_maps import COLOUR_MAPS, colour_table
from pathviewer.attention.overlay import (
    LEAST_PEAK,
    caption,
    draw_overlay,
    drawable_attention,
    overlay_png,
    render_map,
)

PICTURE = Image.new("RGB", (140, 84), (200, 150, 180))


def map_of(weights: NDArray[np.float64], share: float = 0.25) -> AttentionMap:
    rows, columns = weights.shape
    placed = place_picture(Box(0, 0, 500, 300), columns * 28, rows * 28, PixelBudget(784, 10**7))
    return AttentionMap(
        0, placed, range(3), range(2), (weights / weights.sum()).astype(np.float32), share
    )


def one_cell() -> AttentionMap:
    weights = np.full((3, 5), 0.01)
    weights[1, 3] = 1
    return map_of(weights)


def luminance(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIE lightness of sRGB colours."""
    luminous = ((rgb / 255.0) ** 2.2) @ [0.2126, 0.7152, 0.0722]
    return np.where(luminous > 0.008856, 116 * np.cbrt(luminous) - 16, 903.3 * luminous)


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_the_scale_grows_lighter_evenly(name: str) -> None:
    lightness = luminance(colour_table(name)[::15])
    steps = np.diff(lightness)
    assert (steps > 0).all()
    assert steps.max() < 1.5 * steps.mean()


def test_the_most_attended_cell_is_the_lightest_and_strongest() -> None:
    pixels = np.asarray(render_map(drawable_attention(one_cell())))
    assert pixels.shape == (3, 5, 4)
    assert tuple(pixels[1, 3, :3]) == tuple(colour_table()[255])
    assert pixels[..., 3].argmax() == 1 * 5 + 3


def test_a_flat_map_looks_flat() -> None:
    flat = drawable_attention(map_of(np.ones((3, 5))))
    assert flat.peak == LEAST_PEAK
    assert (np.asarray(render_map(flat))[..., :3] == colour_table()[128]).all()


def test_maps_are_compared_on_one_scale() -> None:
    peak = drawable_attention(one_cell()).peak
    flat = np.asarray(render_map(replace(drawable_attention(map_of(np.ones((3, 5)))), peak=peak)))
    assert (flat[..., :3] == colour_table()[round(255 / peak)]).all()


def test_the_map_lies_where_its_cells_are() -> None:
    sheet = np.asarray(draw_overlay(PICTURE, drawable_attention(one_cell()))).astype(int)
    height, width = sheet.shape[:2]
    assert width / height == pytest.approx(140 / 84, rel=0.01)
    middle = sheet[height // 2, round(3.5 * width / 5)]
    elsewhere = sheet[round(height * 0.5 / 3), round(3.5 * width / 5)]
    assert middle[1] > elsewhere[1] + 50  # yellow against violet


@pytest.mark.parametrize(
    ("attention", "words"),
    [
        (one_cell(), "localised; 25%"),
        (map_of(np.ones((3, 5))), "diffuse: not localised; 25%"),
        (map_of(np.ones((1, 1)), share=0.0), "diffuse: not localised; 0%"),
    ],
)
def test_the_caption_says_how_far_to_trust_it(attention: AttentionMap, words: str) -> None:
    first, second = caption(attention)
    assert first.startswith(words)
    assert "raw attention" in second


def test_the_png_holds_picture_bar_and_caption() -> None:
    made = Image.open(
        io.BytesIO(overlay_png(PICTURE, drawable_attention(one_cell()), "Step 1 of 3"))
    )
    assert made.format == "PNG"
    assert made.width > 896 + 24
    assert made.height > 537 + 3 * 26
    for attention in (map_of(np.ones((1, 1))), map_of(np.ones((1, 60)))):
        assert overlay_png(PICTURE.resize((60, 1)), drawable_attention(attention), "answer")
