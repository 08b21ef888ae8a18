"""Final check of a row: whether a trainer's tokenizer would read text as a control token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from models.control_tokens import TRACE_TAGS, find_control_token

_WITH_TAGS = ("prompt", "completion", "chosen", "rejected")
"""Columns that may contain the tags of a trace."""


def has_control_token(row: Mapping[str, Any]) -> bool:
    """Return whether a text of the row holds a control token; trace tags are allowed where due.

    Such rows come from feedback older than the check on input, and from models that wrote a token.
    """
    return any(
        find_control_token(text, TRACE_TAGS if column in _WITH_TAGS else ())
        for column, value in row.items()
        for text in _texts(value)
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
