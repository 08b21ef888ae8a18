"""JSON from outside, as values that every part of the program can hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

MOST_DIGITS = 18
"""Of a whole number: a signed 64-bit integer, as databases have them, holds any such number."""
MOST_DEPTH = 64
"""Lists and objects within one another."""
MOST_CONTAINERS = 50_000
"""Lists and objects in all; an outline has at most 10,000. Each costs far more memory than the two
bytes that write it."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_NUL = "\\u0000"


class JsonError(ValueError):
    """A text that is not JSON, or JSON that the program does not take; fit to be shown."""


def parse_json(text: bytes) -> Any:
    """The decoded document. Raises JsonError.

    Refused besides what is no JSON: NaN and infinity, which JSON does not have; whole numbers of
    more than 18 digits and other numbers that no float holds; half of a surrogate pair and NUL,
    which databases and files do not take; deeper nesting than `MOST_DEPTH`, and more lists and
    objects than `MOST_CONTAINERS`, brackets in texts being counted as such.
    """
    if text.count(b"[") + text.count(b"{") > MOST_CONTAINERS:
        raise JsonError(
            f"The request has more than {MOST_CONTAINERS:,} lists and objects: send less at once."
        )
    try:
        decoded = text.decode("utf-8-sig")
        document = json.loads(decoded, parse_int=_whole, parse_constant=_no_number)
    except RecursionError:
        raise JsonError(_TOO_DEEP) from None
    except JsonError:
        raise
    except ValueError:  # UnicodeDecodeError and JSONDecodeError included
        raise JsonError("The request is not JSON.") from None
    _check_depth(document)
    _check_values(decoded, document)
    return document


_TOO_DEEP = f"The request has lists or objects nested more than {MOST_DEPTH} deep: send it flatter."


def _whole(digits: str) -> int:
    if len(digits.removeprefix("-")) > MOST_DIGITS:
        raise JsonError(
            f"The number {digits[:20]}... is too large: a whole number has at most {MOST_DIGITS} "
            "digits."
        )
    return int(digits)


def _no_number(name: str) -> float:
    raise JsonError(f"{name} is no number in JSON: leave it out or send null.")


def _check_depth(document: object) -> None:
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
            return
    raise JsonError(_TOO_DEEP)


def _check_values(decoded: str, document: object) -> None:
    """Numbers that no float holds, and texts that are no Unicode or that databases do not take."""
    if _NUL in decoded and (field := _field_of(document, _holds_nul)) is not None:
        raise JsonError(f"The text {field} holds a NUL character: remove it.")
    if _HALF.search(decoded) and (field := _field_of(document, _holds_half)) is not None:
        raise JsonError(f"The text {field} holds half of a surrogate pair: remove that character.")
    try:
        json.dumps(document, allow_nan=False)
    except ValueError:
        raise JsonError("A number of the request is too large: no float holds it.") from None


def _field_of(document: object, is_bad: Callable[[str], bool]) -> str | None:
    """The nearest name above a bad text, as an error shows it; None where no text is bad."""
    left: list[tuple[str, object]] = [("of the request", document)]
    while left:
        name, value = left.pop()
        if isinstance(value, str) and is_bad(value):
            return name
        if isinstance(value, list):
            left += [(name, each) for each in value]
        elif isinstance(value, dict):
            left += [(name, key) for key in value]
            left += [(key[:40] if key.isprintable() else name, value[key]) for key in value]
    return None


def _holds_nul(text: str) -> bool:
    return "\0" in text


def _holds_half(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
