"""Writing a fixed set of items as files for `evaluate --questions`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from models.training.data.items import ANSWERABLE, TrainingItem, render_item, without_abstentions
from models.training.data.tiles import empty_folder
from models.training.specimen.facts_column import facts_column
from models.training.specimen.picture_sampler import PATTERN

ALL_QUESTIONS = "questions.jsonl"
QUESTION_SETS = (ALL_QUESTIONS, "answerable.jsonl", "declining.jsonl", "plain.jsonl")
"""All questions; those with a substantial answer; those without; the second without abstentions."""


def item_record(item: TrainingItem, image: str) -> dict[str, Any]:
    """An item in `evaluate`'s format; `image` is the picture's path relative to the set."""
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
    items: Iterable[TrainingItem], out: Path, progress: Callable[[int], None] | None = None
) -> dict[str, int]:
    """Write pictures and question sets to `out`; return the number of questions per set.

    `progress` receives the number of further items written. Raises DataError if `out` is not empty.
    """
    folder = empty_folder(out) / "images"
    folder.mkdir()
    records: dict[str, list[dict[str, Any]]] = {name: [] for name in QUESTION_SETS}
    for item in items:
        image = f"images/{item.item_id}.png"
        Image.fromarray(render_item(item)).save(out / image)
        for name, set_item in _sets_of_item(item):
            records[name].append(item_record(set_item, image))
        if progress is not None:
            progress(1)
    for name, lines in records.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (out / name).write_text(text, encoding="utf-8")
    return {name: len(lines) for name, lines in records.items()}


def _sets_of_item(item: TrainingItem) -> list[tuple[str, TrainingItem]]:
    """Sets of an item, with the item as it appears there."""
    if item.situation != ANSWERABLE:
        return [(ALL_QUESTIONS, item), ("declining.jsonl", item)]
    sets = [(ALL_QUESTIONS, item), ("answerable.jsonl", item)]
    return [*sets, ("plain.jsonl", without_abstentions(item))]
