"""Question sets: JSON lines with our field names, and other sets through a field map."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import reason
from models.evaluation.items import EvaluationError, EvaluationItem, ItemSet
from models.scoring import YES_NO_ANSWERS, normalise_text, option_index, without_letters

FIELD_MAPS = Path(__file__).resolve().parent / "field_maps.toml"
FIELDS = (
    "id", "image", "question", "options", "answer", "group_id", "question_type", "split", "label",
    "facts", "scored",
)  # fmt: skip
OTHER_KEYS = ("option_fields", "image_folder", "levels", "keep")


class QuestionError(ValueError):
    """A question that cannot be asked; it is skipped and counted."""


@dataclass(frozen=True)
class FieldMap:
    """Field names of a question set."""

    names: Mapping[str, tuple[str, ...]]
    """For each of our fields, the set's names for it; the first present in a question is used."""
    option_fields: tuple[str, ...] = ()
    """Fields that hold one option each; empty if the options are a list."""
    image_folder: str = ""
    """Folder of the pictures, relative to the file."""
    levels: tuple[str, ...] = ()
    """Fields held by the keys of nested objects, outermost first."""
    keep: Mapping[str, tuple[Any, ...]] | None = None
    """Required values by field; None selects all questions."""

    def value(self, record: Mapping[str, Any], name: str) -> Any:
        """Value of one of our fields in a question; None if absent."""
        values = (record.get(field_name) for field_name in self.names.get(name, ()))
        return next((value for value in values if value is not None), None)


def read_field_map(name: str) -> FieldMap:
    """Read a field map: a name in field_maps.toml, or a TOML file. Raises EvaluationError."""
    known = tomllib.loads(FIELD_MAPS.read_text(encoding="utf-8"))
    if name in known:
        return _field_map(known[name], name)
    path = Path(name)
    try:
        return _field_map(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = (
            f"“{path.name}” is not a field map: known are {', '.join(known)}, or give a TOML file."
        )
        raise EvaluationError(message) from error


def read_questions(
    path: Path,
    fields: FieldMap,
    *,
    folder: Path | None = None,
    split: str | None = None,
) -> ItemSet:
    """Read the questions of a .jsonl or .json file.

    Picture paths are relative to `folder`, by default the file's own. Questions that cannot be
    asked (no picture, a correct answer that is not an option) are skipped and reported. Raises
    EvaluationError if the file is unreadable or no question is left.
    """
    home = folder or path.parent / fields.image_folder
    items: dict[str, EvaluationItem] = {}
    skipped = []
    for number, record in enumerate(_records(path, fields.levels), start=1):
        if not _wanted(record, fields, split):
            continue
        try:
            item = _item(record, fields, home, str(number))
            if item.id in items:
                message = f"the id {item.id!r} occurs twice"
                raise QuestionError(message)
            items[item.id] = item
        except QuestionError as error:
            skipped.append(f"Question {number}: {error}.")
    if not items:
        example = f" ({skipped[0]})" if skipped else ""
        message = f"{path.name} has no question that can be asked{example}"
        raise EvaluationError(message + ("" if example else "; check --split and --fields") + ".")
    return ItemSet(tuple(items.values()), tuple(skipped))


def _field_map(table: Mapping[str, Any], name: str) -> FieldMap:
    """Build a field map from a TOML table, refusing unknown keys by name."""
    unknown = sorted(set(table) - set(FIELDS) - set(OTHER_KEYS))
    if unknown or not {"image", "question", "answer"} <= set(table):
        unknown_clause = f"unknown are {', '.join(unknown)}; " if unknown else ""
        raise EvaluationError(
            f"The field map {name} is incomplete: {unknown_clause}image, question and answer are "
            "needed."
        )
    names = {ours: _tuple(table[ours]) for ours in FIELDS if ours in table}
    keep = {field: _tuple(values) for field, values in table.get("keep", {}).items()}
    return FieldMap(
        names,
        _tuple(table.get("option_fields", ())),
        str(table.get("image_folder", "")),
        _tuple(table.get("levels", ())),
        keep or None,
    )


def _tuple(value: Any) -> tuple[Any, ...]:
    """A value or list of values as a tuple."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _records(path: Path, levels: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Objects of a file, with the keys of nested objects filled in."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".json":
            yield from _flat(json.loads(text), levels)
            return
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                value = json.loads(line)
                if not isinstance(value, dict):
                    message = f"line {number} is not a JSON object"
                    raise ValueError(message)
                yield value
    except (OSError, ValueError) as error:
        message = f"{path.name} cannot be read as questions: {reason(error)}."
        raise EvaluationError(message) from error


def _flat(value: Any, levels: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Objects of a list, or of lists nested below keys that stand for `levels`."""
    if isinstance(value, dict) and levels:
        for key, below in value.items():
            for record in _flat(below, levels[1:]):
                yield {levels[0]: key} | record
    elif isinstance(value, list) and all(isinstance(record, dict) for record in value):
        yield from value
    else:
        message = "it is not a list of objects (another --fields may fit)"
        raise ValueError(message)


def _wanted(record: Mapping[str, Any], fields: FieldMap, split: str | None) -> bool:
    """Whether a question belongs to the split and has the required values."""
    if split is not None and fields.value(record, "split") != split:
        return False
    return all(record.get(name) in values for name, values in (fields.keep or {}).items())


def _item(record: Mapping[str, Any], fields: FieldMap, home: Path, number: str) -> EvaluationItem:
    """Build a question; raises QuestionError with the reason if it cannot be asked."""
    image = _text(record, fields, "image")
    options = _options(record, fields)
    label = fields.value(record, "label")
    facts = fields.value(record, "facts") or {}
    if not isinstance(facts, dict):
        message = "its facts are not an object"
        raise QuestionError(message)
    if not (home / image).is_file():
        message = f"its picture {image} is missing"
        raise QuestionError(message)
    scored = fields.value(record, "scored") is not False
    gold = _gold(_text(record, fields, "answer"), options, scored)
    return EvaluationItem(
        id=str(fields.value(record, "id") or number),
        image=home / image,
        question=_text(record, fields, "question"),
        gold=gold,
        options=options,
        group=str(fields.value(record, "group_id") or image),
        question_type=str(fields.value(record, "question_type") or _kind(options, gold)),
        label=None if label is None else str(label),
        scored=scored,
        facts=facts,
    )


def _text(record: Mapping[str, Any], fields: FieldMap, name: str) -> str:
    """A required, non-empty text field."""
    value = fields.value(record, name)
    if not isinstance(value, str | int | float) or not str(value).strip():
        message = f"it has no {name}"
        raise QuestionError(message)
    return str(value).strip()


def _options(record: Mapping[str, Any], fields: FieldMap) -> tuple[str, ...]:
    """Options without letters, from a list, an object by letter, or one field each."""
    if fields.option_fields:
        values: Any = [record.get(name) for name in fields.option_fields]
    else:
        values = fields.value(record, "options") or []
    if isinstance(values, dict):
        values = [values[key] for key in sorted(values)]
    if not isinstance(values, list):
        message = "its options are not a list"
        raise QuestionError(message)
    texts = [str(option).strip() for option in values if option is not None]
    options = tuple(without_letters([text for text in texts if text]))
    if len(options) == 1 or len({option.casefold() for option in options}) < len(options):
        message = "its options are no choice: there is only one, or two are the same"
        raise QuestionError(message)
    return options


def _gold(answer: str, options: tuple[str, ...], scored: bool) -> str:
    """Text of the correct option, or the answer itself if there are no options."""
    place = option_index(answer, options)
    if place is not None:
        return options[place]
    if options and scored:
        message = f"its answer {answer[:60]!r} is not among its options"
        raise QuestionError(message)
    return answer


def _kind(options: tuple[str, ...], gold: str) -> str:
    """Question type for a set that names none."""
    if options:
        return "options"
    return "yes/no" if normalise_text(gold) in YES_NO_ANSWERS else "open"
