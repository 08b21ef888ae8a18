"""Data sets for TRL's trainers: from tiles, or from a folder that `datasets` opens."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import (
    Dataset,
    DatasetDict,
    Features,
    Image,
    List,
    Value,
    load_dataset,
)
from PIL import Image as Pictures
from tqdm import tqdm

from models.pictures import convert_to_rgb
from models.prompts import QuestionText, build_prompt
from models.registry import RegisteredModel
from models.training.data.items import TrainingItem, make_items, render_item
from models.training.data.tile_augmentation import AugmentationRange
from models.training.data.tiles import DataError, read_tiles
from models.training.specimen.augmentation import augment_item
from models.training.specimen.facts_column import facts_column
from models.training.specimen.grammar import write_trace
from models.training.specimen.picture_sampler import ItemMix

MESSAGES = List({"role": Value("string"), "content": Value("string")})
COLUMNS = Features(
    {
        "prompt": MESSAGES,
        "completion": MESSAGES,
        "images": List(Image()),
        "gold": Value("string"),
        "options": List(Value("string")),
        "item_id": Value("string"),
        "question": Value("string"),
        "question_type": Value("string"),
        "facts": Value("string"),
    }
)
"""Features of a data set made from tiles; `completion` is the trace that SFT learns."""


def read_tile_rows(
    folders: Sequence[Path],
    split: str,
    count: int,
    seed: int,
    model: RegisteredModel,
    *,
    mix: Mapping[str, Any],
    look: Mapping[str, float] | None,
) -> Dataset:
    """`count` items of a split, as prompts for `model`; each augmented once unless `look` is None.

    Raises DataError for unusable folders.
    """
    tiles = [tile for folder in folders for tile in read_tiles(folder)]
    items = make_items(tiles, split, count=count, seed=seed, mix=ItemMix(**mix), vary=True)
    looks = None if look is None else AugmentationRange(**look)
    rows = []
    for number, item in enumerate(tqdm(items, "items", count, mininterval=5)):
        rgb = render_item(item)
        if looks:
            rgb = augment_item(item, rgb, looks, np.random.default_rng([seed, number]))
        rows.append(_row(item, Pictures.fromarray(rgb), model))
    return Dataset.from_list(rows, features=COLUMNS)


def read_folder_rows(folder: Path, split: str, model: RegisteredModel, cache: Path) -> Dataset:
    """Read a split of a folder of Parquet files, or of pictures with `metadata.jsonl`.

    It has a `prompt`, or `question` and `options`, which are turned into a prompt for `model`;
    `images` or `image`; and the trainer's other columns (docs/post-training.md). `answer` is
    accepted as `gold`. `cache` holds its cache. Raises DataError.
    """
    splits = _opened(folder, cache)
    if split not in splits:
        message = f"{folder} has no split {split!r}, only {', '.join(map(str, splits))}."
        raise DataError(message)
    rows = splits[split]
    if not {"images", "image"} & set(rows.column_names):
        message = f"{folder} has neither a column images nor image."
        raise DataError(message)
    if "gold" not in rows.column_names and "answer" in rows.column_names:
        rows = rows.rename_column("answer", "gold")
    if "item_id" not in rows.column_names:
        rows = rows.add_column("item_id", [f"{split}-{number}" for number in range(len(rows))])
    rows = _with_prompt(rows, folder, model)
    if "completion" in rows.column_names and isinstance(rows[0]["completion"], str):
        completions = [[{"role": "assistant", "content": text}] for text in rows["completion"]]
        rows = rows.remove_columns("completion").add_column("completion", completions)
    return rows.with_transform(_coloured)


def require_columns(rows: Dataset, names: Sequence[str]) -> None:
    """Raise DataError unless the data set has these columns."""
    missing = [name for name in names if name not in rows.column_names]
    if missing:
        message = f"The data set lacks the columns {', '.join(missing)}."
        raise DataError(message)


def question_messages(
    question: str, options: Sequence[str], model: RegisteredModel
) -> list[dict[str, str]]:
    """Question as chat messages in the model's style; TRL adds the pictures before the text."""
    prompt = build_prompt(QuestionText(question, tuple(options)), (), model)
    asked = [{"role": "user", "content": prompt.text}]
    if prompt.system is None:
        return asked
    return [{"role": "system", "content": prompt.system}, *asked]


def _row(item: TrainingItem, picture: Pictures.Image, model: RegisteredModel) -> dict[str, Any]:
    packed = io.BytesIO()
    picture.save(packed, "PNG", compress_level=1)
    trace = write_trace(item.question_type, item.facts, item.options, item.gold)
    return {
        "prompt": question_messages(item.question, item.options, model),
        "completion": [{"role": "assistant", "content": trace}],
        "images": [{"bytes": packed.getvalue(), "path": None}],
        "gold": item.gold,
        "options": list(item.options),
        "item_id": item.item_id,
        "question": item.question,
        "question_type": item.question_type,
        "facts": facts_column(item.facts),
    }


def _opened(folder: Path, cache: Path) -> DatasetDict:
    """Splits of a folder; raises DataError if `datasets` cannot open it."""
    if not folder.is_dir():
        message = f"The data set {folder} is not a folder."
        raise DataError(message)
    try:
        return load_dataset(str(folder.resolve()), cache_dir=str(cache))
    except Exception as error:  # the library raises many kinds of errors
        message = f"The data set {folder} cannot be opened ({error})."
        raise DataError(message) from error


def _with_prompt(rows: Dataset, folder: Path, model: RegisteredModel) -> Dataset:
    """Rows with a prompt; an existing one stays."""
    if "prompt" in rows.column_names:
        return rows
    if "question" not in rows.column_names:
        message = f"{folder} has neither a column prompt nor question."
        raise DataError(message)
    offered = rows["options"] if "options" in rows.column_names else [None] * len(rows)
    asked = [
        question_messages(question, options or (), model)
        for question, options in zip(rows["question"], offered, strict=True)
    ]
    return rows.add_column("prompt", asked)


def _coloured(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The batch with its pictures in RGB, transparency on white."""
    if "image" in batch:
        batch["image"] = [convert_to_rgb(picture) for picture in batch["image"]]
    if "images" in batch:
        batch["images"] = [
            [convert_to_rgb(picture) for picture in row or ()] for row in batch["images"]
        ]
    return batch
