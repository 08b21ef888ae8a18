"""An equalised picture keeps its form and nothing of its histogram."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from models.flat_histogram import equalise_histogram

GRADIENT = np.tile(np.linspace(90, 180, 64).astype(np.uint8), (64, 1))
FLAT = np.full((64, 64), 200, dtype=np.uint8)
HALVES = np.where(np.arange(64)[None] < 40, 250, 30).astype(np.uint8).repeat(64, 0)


@pytest.mark.parametrize("values", [GRADIENT, FLAT, HALVES], ids=["gradient", "flat", "halves"])
def test_every_value_comes_as_often_as_any_other(values: np.ndarray) -> None:
    flat = np.asarray(equalise_histogram(Image.fromarray(values)))
    assert flat.shape == (64, 64, 3)
    for channel in range(3):
        assert set(np.bincount(flat[..., channel].ravel(), minlength=256)) == {64 * 64 // 256}


def test_a_brighter_pixel_stays_no_darker() -> None:
    flat = np.asarray(equalise_histogram(Image.fromarray(HALVES)))[..., 0]
    assert flat[:, 40:].max() <= flat[:, :40].min()


def test_stain_and_light_leave_no_trace() -> None:
    rng = np.random.default_rng(0)
    grey = rng.permutation(np.arange(64 * 64) % 200).reshape(64, 64).astype(np.uint8)
    other = (grey * 0.5 + 40).astype(np.uint8)
    pale = [
        np.asarray(equalise_histogram(Image.fromarray(each))).astype(int) for each in (grey, other)
    ]
    assert np.bincount(pale[0].ravel()).tolist() == np.bincount(pale[1].ravel()).tolist()
    assert np.corrcoef(pale[0].ravel(), pale[1].ravel())[0, 1] > 0.99
