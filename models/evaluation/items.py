"""What a model is measured on: one question about one picture, and sets of them."""

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
    """A set of questions, a file of answers or a setting that nothing can be measured with."""


@dataclass(frozen=True)
class EvaluationItem:
    """One question about one picture, with its right answer."""

    id: str
    """Unique within its set."""
    image: Path
    """The picture's file."""
    question: str
    """As it is asked, without options."""
    gold: str
    """The right answer: an option's text, or free text where there are no options."""
    options: tuple[str, ...] = ()
    """Texts to choose from, without letters; empty for an open question."""
    group: str = ""
    """Slide, patient or source picture; items of one group are not independent."""
    question_type: str = "open"
    """What kind of question it is, such as `diagnosis`."""
    label: str | None = None
    """Class of the picture, for the confusion matrix; None if there are no classes."""
    scored: bool = True
    """Whether it counts in the accuracy; False for what the model cannot know."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What was measured on the picture, for the process judge."""


@dataclass(frozen=True)
class ItemSet:
    """Questions, and what could not be used."""

    items: tuple[EvaluationItem, ...]
    """In the order of the file."""
    skipped: tuple[str, ...] = ()
    """A sentence for each question left out."""

    @property
    def digest(self) -> str:
        """SHA-256 over everything asked, so that answers are never mixed between sets.

        It reads every picture; one that cannot be read counts as empty.
        """
        pictures = {path: _file_hash(path) for path in {item.image for item in self.items}}
        content = [
            [item.id, pictures[item.image], item.question, item.options, item.gold]
            for item in self.items
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def first(self, count: int | None) -> ItemSet:
        """The first `count` questions in an order that does not depend on the file's; None: all."""
        if count is None or count >= len(self.items):
            return self
        chosen = {item.id for item in sorted(self.items, key=lambda item: _hash(item.id))[:count]}
        return replace(self, items=tuple(item for item in self.items if item.id in chosen))

    def of_types(self, types: Collection[str]) -> ItemSet:
        """The questions of these types, all if none is named; EvaluationError for another."""
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
    """Diagnosis questions from `manifest.csv` (path, label, group_id and maybe split) of a folder.

    `known` are the labels the model may know and is offered; by default all in the manifest.
    Others are asked as well but not scored. A label that begins one known label and no other is
    taken for it ("benign" for "benign lung tissue"). Raises EvaluationError.
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
        message = f"None of the {len(rows)} pictures of manifest.csv is there, such as {example}."
        raise EvaluationError(message)
    return ItemSet(tuple(items), tuple(f"{path}: the picture is missing." for path in missing))


def shuffle_options(options: Sequence[str], salt: str) -> tuple[str, ...]:
    """Options in an order decided by `salt` alone; "none of these" and its like stay last."""
    choices = [option for option in options if not is_abstention(option)]
    last = [option for option in options if is_abstention(option)]
    return (*sorted(choices, key=lambda option: _hash(f"{salt}\n{option}")), *last)


def without_options(item: EvaluationItem) -> EvaluationItem:
    """The same question without options."""
    return replace(item, options=())


def _manifest_rows(folder: Path, split: str | None) -> list[dict[str, str]]:
    """Rows of a split, columns checked."""
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
        message = "manifest.csv names a picture twice; each may stand once."
        raise EvaluationError(message)
    return split_rows


def _label_text(label: str, known_labels: Sequence[str] = ()) -> str:
    """A label as it is offered: `squamous_cell_carcinoma` becomes `squamous cell carcinoma`."""
    plain = normalise_text(label)
    for fits in (str.__eq__, lambda name, start: name.startswith(f"{start} ")):
        matches = [name for name in known_labels if fits(normalise_text(name), plain)]
        if len(matches) == 1:
            return _label_text(matches[0])
    return " ".join(label.replace("_", " ").split())


def _hash(text: str) -> str:
    """A number, as text, that depends on nothing but the text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _file_hash(path: Path) -> str:
    """SHA-256 of a file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
