"""The colour-only baseline: it sees colour, and no form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.training.data.tiles import DataError
from models.training.specimen.colour_baseline import colour_statistics, measure_baselines
from tests.models.training.made_tiles import made_folder, made_rgb


def test_statistics_do_not_see_where_pixels_lie() -> None:
    rgb = made_rgb(100, 0.2, 1)
    mixed = np.random.default_rng(0).permutation(rgb.reshape(-1, 3)).reshape(rgb.shape)
    numbers = colour_statistics(rgb)
    assert numbers.shape == (21,)
    assert np.allclose(numbers, colour_statistics(mixed))
    assert np.allclose(numbers[:2], [rgb[..., 0].mean(), rgb[..., 0].std()])


@pytest.mark.long
def test_colour_tells_made_tiles_apart(tmp_path: Path) -> None:
    seen: list[int] = []
    folder = made_folder(tmp_path, groups=4, copies=1)
    found = measure_baselines([folder], colours=("as-is",), progress=seen.append)
    coloured = found[0]
    assert coloured.accuracy.mean == 1.0
    assert coloured.accuracy.groups == coloured.accuracy.n == 12
    assert coloured.accuracy.low < 1.0 == coloured.accuracy.high
    assert coloured.as_dict()["per_class"]["benign"] == 1.0
    assert coloured.trained_on == 12
    assert sum(seen) == 24


def test_a_split_without_lung_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train and exam"):
        measure_baselines([made_folder(tmp_path, groups=1, copies=1)], split="exam")
