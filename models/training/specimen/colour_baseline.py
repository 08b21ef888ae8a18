"""Colour baseline: a random forest on colour statistics, blind to form, on the same splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

from models.flat_histogram import equalise_histogram
from models.resampling import Interval, share_interval
from models.training.data.tiles import DataError, Tile, load_rgb, read_tiles

BaselineColour = Literal["as-is", "grey", "none"]
COLOURS: tuple[BaselineColour, ...] = ("as-is", "grey", "none")
"""As scanned; greyscale; greyscale with the histogram equalised."""
LABELS = ("benign", "adenocarcinoma", "squamous_cell_carcinoma")
PERCENTILES = (5, 25, 50, 75, 95)
TREES = 500


@dataclass(frozen=True)
class Baseline:
    """Accuracy of colour statistics."""

    colour: BaselineColour
    """Conversion of the pictures."""
    accuracy: Interval
    """Accuracy on the test tiles, interval by group."""
    per_class: Mapping[str, float]
    """Accuracy by label."""
    trained_on: int
    """Number of tiles that the forest was fitted on."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON values, for `--json`."""
        return {
            "colour": self.colour,
            "accuracy": self.accuracy.mean,
            "accuracy_low": self.accuracy.low,
            "accuracy_high": self.accuracy.high,
            "n": self.accuracy.n,
            "groups": self.accuracy.groups,
            "per_class": dict(self.per_class),
            "trained_on": self.trained_on,
        }


def colour_statistics(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """21 statistics of a picture, (height, width, 3), that ignore pixel positions.

    Mean, standard deviation and five percentiles of each channel.
    """
    levels = np.arange(256)
    numbers = []
    for channel in range(3):
        counts = np.bincount(rgb[..., channel].ravel(), minlength=256)
        mean = float(counts @ levels) / counts.sum()
        spread = float(counts @ (levels - mean) ** 2) / counts.sum()
        reached = np.cumsum(counts) / counts.sum()
        quantiles = np.searchsorted(reached, np.array(PERCENTILES) / 100)
        numbers += [mean, spread**0.5, *quantiles]
    return np.array(numbers, dtype=np.float64)


def measure_baselines(
    folders: Sequence[Path],
    *,
    colours: Sequence[BaselineColour] = COLOURS,
    split: str = "test",
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[Baseline]:
    """Fit a forest on the train split and score it on `split`, for each colour.

    `progress` receives the number of further tiles read. Raises DataError if a split has no lung
    tile.
    """
    tiles = [tile for folder in folders for tile in read_tiles(folder) if tile.label in LABELS]
    fitted = [tile for tile in tiles if tile.split == "train"]
    scored = [tile for tile in tiles if tile.split == split]
    if not fitted or not scored:
        message = f"Tiles of lung are needed in the splits train and {split}."
        raise DataError(message)
    both = fitted + scored
    features: dict[BaselineColour, list[NDArray[np.float64]]] = {colour: [] for colour in colours}
    for tile in both:
        picture = Image.fromarray(load_rgb(tile))
        for colour in colours:
            features[colour].append(colour_statistics(_convert_picture(picture, colour)))
        if progress is not None:
            progress(1)
    return [_score(colour, np.stack(features[colour]), fitted, scored, seed) for colour in colours]


def _convert_picture(picture: Image.Image, colour: BaselineColour) -> NDArray[np.uint8]:
    if colour == "none":
        return np.asarray(equalise_histogram(picture))
    return np.asarray(picture.convert("L").convert("RGB") if colour == "grey" else picture)


def _score(
    colour: BaselineColour,
    features: NDArray[np.float64],
    fitted: Sequence[Tile],
    scored: Sequence[Tile],
    seed: int,
) -> Baseline:
    forest = RandomForestClassifier(TREES, random_state=seed, class_weight="balanced")
    forest.fit(features[: len(fitted)], [tile.label for tile in fitted])
    named = forest.predict(features[len(fitted) :])
    right = np.array([name == tile.label for name, tile in zip(named, scored, strict=True)], float)
    interval = share_interval(right, [tile.group_id for tile in scored], seed=seed)
    if interval is None:
        message = "There is nothing to score."
        raise DataError(message)
    labels = np.array([tile.label for tile in scored])
    per_class = {label: float(right[labels == label].mean()) for label in LABELS if label in labels}
    return Baseline(colour, interval, per_class, len(fitted))
