"""Evaluation items: a question about a picture, and sets of them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from models.errors import ModelError, reason
from models.scoring import ABSTENTIONS, is_abstention, normalise_text

DIAGNOSIS = "diagnosis"
"""Question type of the items made from a manifest."""


class EvaluationError(ModelError):
    """A question set, answer file or setting that cannot be evaluated."""


@dataclass(frozen=True)
class EvaluationItem:
    """A question about a picture, with its correct answer."""

    id: str
    """Unique within its set."""
    image: Path
    """Path of the picture."""
    question: str
    """Question text, without options."""
    gold: str
    """Correct answer: an option's text, or free text if there are no options."""
    options: tuple[str, ...] = ()
    """Options without letters; empty for an open question."""
    group: str = ""
    """Slide, patient or source picture; items of one group are not independent."""
    question_type: str = "open"
    """Question type, such as `diagnosis`."""
    label: str | None = None
    """Class of the picture, for the confusion matrix; None without classes."""
    scored: bool = True
    """Whether it counts in the accuracy; False for what the model cannot know."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Measurements on the picture, for the process judge."""
    colours: Path | None = None
    """Picture whose colours it is shown in; None for its own."""


@dataclass(frozen=True)
class ItemSet:
    """Questions, and those left out."""

    items: tuple[EvaluationItem, ...]
    """In the file's order."""
    skipped: tuple[str, ...] = ()
    """A sentence for each question left out."""

    @property
    def digest(self) -> str:
        """SHA-256 over all questions and pictures, which keeps answers of different sets apart.

        Reads every picture; an unreadable one counts as empty.
        """
        pictures = {path: _file_hash(path) for path in {item.image for item in self.items}}
        content = [
            [item.id, pictures[item.image], item.question, item.options, item.gold]
            for item in self.items
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def first(self, count: int | None) -> ItemSet:
        """The first `count` questions in an order independent of the file's; None for all."""
        if count is None or count >= len(self.items):
            return self
        chosen = {item.id for item in sorted(self.items, key=lambda item: _hash(item.id))[:count]}
        return replace(self, items=tuple(item for item in self.items if item.id in chosen))

    def of_types(self, types: Collection[str]) -> ItemSet:
        """Questions of these types (none: all); raises EvaluationError for an unknown type."""
        existing_types = {item.question_type for item in self.items}
        if unknown := sorted(set(types) - existing_types):
            type_names = ", ".join(sorted(existing_types))
            message = f"No question is of the type {', '.join(unknown)}; there are {type_names}."
            raise EvaluationError(message)
        chosen_items = (item for item in self.items if not types or item.question_type in types)
        return replace(self, items=tuple(chosen_items))


def read_manifest(
    folder: Path,
    *,
    question: str,
    split: str | None = None,
    known_labels: Sequence[str] = (),
    abstentions: bool = True,
) -> ItemSet:
    """Read diagnosis questions from a folder's `manifest.csv` (path, label, group_id, maybe split).

    `known_labels` are the labels offered to the model; by default all in the manifest. Pictures
    with other labels are asked about but not scored. A label that is the beginning of exactly one
    known label counts as that one ("benign" for "benign lung tissue"). Raises EvaluationError.
    """
    rows = _manifest_rows(folder, split)
    labels = {row["label"]: _label_text(row["label"], known_labels) for row in rows}
    offered = tuple(sorted(_label_text(label) for label in known_labels or labels))
    missing = [row["path"] for row in rows if not (folder / row["path"]).is_file()]
    last = ABSTENTIONS if abstentions else ()
    items = [
        EvaluationItem(
            id=row["path"],
            image=folder / row["path"],
            question=question,
            gold=labels[row["label"]],
            options=(*shuffle_options(offered, row["path"]), *last),
            group=row.get("group_id") or row["path"],
            question_type=DIAGNOSIS,
            label=labels[row["label"]],
            scored=labels[row["label"]] in offered,
        )
        for row in rows
        if row["path"] not in set(missing)
    ]
    if not items:
        example = rows[0]["path"]
        message = f"None of the {len(rows)} pictures of manifest.csv exists, such as {example}."
        raise EvaluationError(message)
    return ItemSet(tuple(items), tuple(f"{path}: the picture is missing." for path in missing))


def shuffle_options(options: Sequence[str], salt: str) -> tuple[str, ...]:
    """Shuffle options, seeded by `salt` alone; abstentions such as "none of these" stay last."""
    choices = [option for option in options if not is_abstention(option)]
    last = [option for option in options if is_abstention(option)]
    return (*sorted(choices, key=lambda option: _hash(f"{salt}\n{option}")), *last)


def without_options(item: EvaluationItem) -> EvaluationItem:
    """The same question without options."""
    return replace(item, options=())


def _manifest_rows(folder: Path, split: str | None) -> list[dict[str, str]]:
    """Rows of a split, with columns checked."""
    path = folder / "manifest.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = {"path", "label"} - set(reader.fieldnames or ())
            rows = [row for row in reader if row.get("path")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path.name} in the data folder cannot be read ({reason(error)}); it needs "
        raise EvaluationError(f"{message}the columns path, label and group_id.") from error
    if lacking:
        message = f"manifest.csv has no column {' and '.join(sorted(lacking))}."
        raise EvaluationError(message)
    split_rows = [row for row in rows if split is None or row.get("split") == split]
    if not split_rows:
        split_names = sorted({row.get("split") or "" for row in rows} - {""})
        message = (
            f"manifest.csv has no pictures of split {split!r}; it has {split_names or 'no splits'}."
        )
        raise EvaluationError(message)
    if len({row["path"] for row in split_rows}) != len(split_rows):
        message = "manifest.csv lists a picture twice; list each once."
        raise EvaluationError(message)
    return split_rows


def _label_text(label: str, known_labels: Sequence[str] = ()) -> str:
    """Label as an option: `squamous_cell_carcinoma` becomes `squamous cell carcinoma`."""
    plain = normalise_text(label)
    for fits in (str.__eq__, lambda name, start: name.startswith(f"{start} ")):
        matches = [name for name in known_labels if fits(normalise_text(name), plain)]
        if len(matches) == 1:
            return _label_text(matches[0])
    return " ".join(label.replace("_", " ").split())


def _hash(text: str) -> str:
    """Hash of a text, as text, stable across runs."""
    return hashlib.sha256(text.encode()).hexdigest()


def _file_hash(path: Path) -> str:
    """SHA-256 of a file; empty if it is unreadable."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
