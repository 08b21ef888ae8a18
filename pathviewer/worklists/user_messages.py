"""What the worklists package says to people."""

from __future__ import annotations

from collections.abc import Iterable

# generation
ANSWERS_MISSING = "The model stopped before all answers were complete; generate again."


def item_failed(number: int, reason: str) -> str:
    return f"Item {number}: {reason}"


# item_file
BOX_INVALID = "box must be {x, y, width, height} in whole level-0 pixels."
LINE_NOT_OBJECT = "it is not a JSON object."
OPTIONS_NOT_TEXTS = "options must be a list of texts."


def line_refused(number: int, reason: str) -> str:
    return f"Line {number}: {reason}"


def no_items(file_name: str) -> str:
    return f"{file_name} has no items."


def file_too_large(file_name: str) -> str:
    return f"{file_name} is larger than 64 MiB, the limit of a worklist."


def file_unreadable(file_name: str, reason: str | None) -> str:
    return f"{file_name} cannot be read ({reason})."


def file_not_utf8(file_name: str) -> str:
    return f"{file_name} is not in UTF-8."


def line_not_json(reason: str) -> str:
    return f"it is not JSON ({reason})."


def unknown_field(name: str, fields: Iterable[str]) -> str:
    return f"“{name}” is not a field; use {', '.join(fields)}."


def answer_not_option(answer: str) -> str:
    return f"the answer “{answer}” is not among the options."


def text_missing(name: str) -> str:
    return f"{name} is missing or not a text."


# report
ANSWERS_NOT_GENERATED = "Its answers have not been generated yet."
NO_FEEDBACK = "Nobody has judged it yet."


def items_blinded(count: int, items: str) -> str:
    """`items` is the number of all items, with the word."""
    return f"{count} of {items} are shown in part; each says why."
