"""JSON of which the size in memory is bounded before it is decoded, and the depth after."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

MOST_DEPTH = 64
"""Lists and objects within one another."""


class JsonError(ValueError):
    """A text that is not JSON, or JSON that the program does not take; fit to be shown."""


def decode_json(
    text: bytes,
    most_containers: int,
    *,
    source: str,
    parse_int: Callable[[str], float],
    parse_float: Callable[[str], float],
    parse_constant: Callable[[str], float],
) -> tuple[str, Any]:
    """The text and its document; `source` names it in errors, as in "request". Raises JsonError.

    `most_containers` bounds lists and objects, brackets in texts being counted as such: each costs
    far more memory than the two bytes that write it, and decoding it keeps every other thread
    waiting. `whole`, `real` and `constant` (NaN and infinity) make the numbers. They are to be
    Python functions: between their calls other threads get their turn.
    """
    if text.count(b"[") + text.count(b"{") > most_containers:
        raise JsonError(
            f"The {source} has more than {most_containers:,} lists and objects: send less at once."
        )
    try:
        decoded = text.decode("utf-8-sig")
        document = json.loads(
            decoded, parse_int=parse_int, parse_float=parse_float, parse_constant=parse_constant
        )
    except RecursionError:
        raise JsonError(_too_deep(source)) from None
    except JsonError:
        raise
    except ValueError:  # UnicodeDecodeError and JSONDecodeError included
        raise JsonError(f"The {source} is not JSON.") from None
    if not _is_shallow(document):
        raise JsonError(_too_deep(source))
    return decoded, document


def _too_deep(source: str) -> str:
    return f"The {source} has lists or objects nested more than {MOST_DEPTH} deep: send it flatter."


def _is_shallow(document: object) -> bool:
    """Level by level, so that no depth exhausts the stack."""
    level: Iterable[object] = [document]
    for _ in range(MOST_DEPTH + 1):
        level = [
            each
            for value in level
            if isinstance(value, dict | list)
            for each in (value.values() if isinstance(value, dict) else value)
            if isinstance(each, dict | list)
        ]
        if not level:
            return True
    return False
