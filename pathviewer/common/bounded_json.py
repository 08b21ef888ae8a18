"""JSON decoding with a bound on memory, checked before, and on nesting depth, checked after."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from pathviewer.common import user_messages

MOST_DEPTH = 64
"""Most levels of nested lists and objects."""


class JsonError(ValueError):
    """Text that is not JSON, or JSON beyond the bounds; the message can be shown to users."""


def decode_json(
    text: bytes,
    most_containers: int,
    *,
    source: str,
    parse_int: Callable[[str], float],
    parse_float: Callable[[str], float],
    parse_constant: Callable[[str], float],
) -> tuple[str, Any]:
    """Return the text and the decoded document. Raises JsonError.

    `source` names the input in errors, as in "request". `most_containers` bounds lists and objects,
    including brackets inside strings: each container costs far more memory than its two bytes, and
    decoding blocks all other threads. `parse_int`, `parse_float` and `parse_constant` (NaN and
    infinity) make the numbers. They must be Python functions, because other threads run between
    their calls.
    """
    if text.count(b"[") + text.count(b"{") > most_containers:
        raise JsonError(user_messages.too_many_containers(source, most_containers))
    try:
        decoded = text.decode("utf-8-sig")
        document = json.loads(
            decoded, parse_int=parse_int, parse_float=parse_float, parse_constant=parse_constant
        )
    except RecursionError:
        raise JsonError(_too_deep(source)) from None
    except JsonError:
        raise
    except ValueError:  # includes UnicodeDecodeError and JSONDecodeError
        raise JsonError(user_messages.not_json(source)) from None
    if not _is_shallow(document):
        raise JsonError(_too_deep(source))
    return decoded, document


def _too_deep(source: str) -> str:
    return user_messages.json_too_deep(source, MOST_DEPTH)


def _is_shallow(document: object) -> bool:
    """Check the depth level by level, without recursion that could exhaust the stack."""
    level: Iterable[object] = [document]
    for _ in range(MOST_DEPTH + 1):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
            if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False
