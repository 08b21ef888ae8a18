"""A fixed set of items as files that `evaluate --questions` reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from models.training.data.items import ANSWERABLE, Item, render, without_declining
from models.training.data.tiles import empty_folder
from models.training.specimen.facts_column import facts_column
from models.training.specimen.picture_sampler import PATTERN

ALL = "questions.jsonl"
SETS = (ALL, "answerable.jsonl", "declining.jsonl", "plain.jsonl")
"""All; those with a substantial answer; those without; the second without ways to decline."""


def item_record(item: Item, image: str) -> dict[str, Any]:
    """An item as `evaluate` reads it; `image` is the picture's file, counted from the set's."""
    return {
        "id": item.item_id,
        "image": image,
        "question": item.question,
        "options": list(item.options),
        "answer": item.answer,
        "group_id": item.group_id,
        "question_type": item.question_type,
        "split": item.split,
        "label": PATTERN[item.label] if item.label else None,
        "facts": json.loads(facts_column(item.facts)),
        "situation": item.situation,
    }


def write_items(
    items: Iterable[Item], out: Path, progress: Callable[[int], None] | None = None
) -> dict[str, int]:
    """Write pictures and question sets to `out`; how many questions each set has.

    `progress` is told how many more items are written. Raises DataError if `out` holds something.
    """
    folder = empty_folder(out) / "images"
    folder.mkdir()
    records: dict[str, list[dict[str, Any]]] = {name: [] for name in SETS}
    for item in items:
        image = f"images/{item.item_id}.png"
        Image.fromarray(render(item)).save(out / image)
        for name, told in _of_sets(item):
            records[name].append(item_record(told, image))
        if progress is not None:
            progress(1)
    for name, lines in records.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (out / name).write_text(text, encoding="utf-8")
    return {name: len(lines) for name, lines in records.items()}


def _of_sets(item: Item) -> list[tuple[str, Item]]:
    """The sets that an item belongs to, and the item as it stands there."""
    if item.situation != ANSWERABLE:
        return [(ALL, item), ("declining.jsonl", item)]
    sets = [(ALL, item), ("answerable.jsonl", item)]
    return [*sets, ("plain.jsonl", without_declining(item))]
