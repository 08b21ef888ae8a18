"""Small data folders with real pictures, for the tests of the evaluation."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from models.evaluation.answer_store import RecordedAnswer
from models.evaluation.items import ItemSet

COLOURS = {"adenocarcinoma": "purple", "benign": "pink", "squamous_cell_carcinoma": "navy"}


def picture(path: Path, colour: str = "pink", size: tuple[int, int] = (56, 42)) -> Path:
    """A picture of one colour with a darker corner."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, colour)
    image.paste("black", (0, 0, max(1, size[0] // 4), max(1, size[1] // 4)))
    image.save(path)
    return path


def lung_folder(folder: Path, *, groups: int = 6, per_group: int = 2) -> Path:
    """`manifest.csv` and pictures of three classes, `groups` groups, the last class in `test`."""
    rows = []
    labels = sorted(COLOURS)
    for group in range(groups):
        label = labels[group % len(labels)]
        for number in range(per_group):
            name = f"{label}/{group}-{number}.png"
            picture(folder / name, COLOURS[label])
            split = "test" if group >= groups // 2 else "train"
            rows.append({"path": name, "label": label, "group_id": f"g{group}", "split": split})
    write_manifest(folder, rows)
    return folder


def write_manifest(folder: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """`manifest.csv` with the columns that the first row has."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    """A file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def kept_folder(items: ItemSet, out: Path, right: int, **changes: object) -> Path:
    """Answers of which the first so many are right."""
    out.mkdir()
    run = {"model": out.name, "revision": out.name, "questions": items.digest, "colour": "as-is"}
    lines = [json.dumps({"run": run | changes})]
    for number, item in enumerate(items.items):
        text = f"<think>1. Seen.</think><answer>{'A' if number < right else 'B'}</answer>"
        lines.append(json.dumps(asdict(RecordedAnswer(item.id, "asked", text, 5, 0.1, 0.1))))
    (out / "answers.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return out
