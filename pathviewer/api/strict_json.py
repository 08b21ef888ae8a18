"""Parsing of untrusted JSON into values that databases and files can hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from pathviewer.api import user_messages
from pathviewer.common.bounded_json import JsonError, decode_json

MOST_DIGITS = 18
"""Maximum digits of a whole number, which then fits a signed 64-bit integer."""
MOST_CONTAINERS = 50_000
"""Maximum number of lists and objects; an outline has at most 10,000."""
MOST_FIELDS = 1_000
"""Maximum number of fields of an object; each unknown one costs time to refuse."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_NUL = "\\u0000"


def parse_json(text: bytes) -> Any:
    """Return the decoded document. Raises JsonError.

    Besides invalid JSON, it refuses NaN and infinity; whole numbers of more than 18 digits and
    numbers beyond a float; lone surrogates and NUL, which databases and files reject; nesting
    deeper than `MOST_DEPTH`; and more lists and objects than `MOST_CONTAINERS`, where brackets in
    texts count too.
    """
    decoded, document = decode_json(
        text,
        MOST_CONTAINERS,
        source="request",
        parse_int=_parse_integer,
        parse_float=_parse_float,
        parse_constant=_refuse_constant,
    )
    _check_texts(decoded, document)
    _check_widths(document)
    return document


def _parse_integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MOST_DIGITS:
        raise JsonError(user_messages.integer_too_large(digits[:20], MOST_DIGITS))
    return int(digits)


def _parse_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise JsonError(user_messages.FLOAT_TOO_LARGE)
    return number


def _refuse_constant(name: str) -> float:
    raise JsonError(user_messages.not_json_number(name))


def _check_texts(decoded: str, document: object) -> None:
    """Raise JsonError for texts with a NUL or a lone surrogate."""
    if _NUL in decoded and (field := _find_field(document, _holds_nul)) is not None:
        raise JsonError(user_messages.nul_in_text(field))
    if _HALF.search(decoded) and (field := _find_field(document, _holds_half)) is not None:
        raise JsonError(user_messages.half_pair_in_text(field))


def _check_widths(document: object) -> None:
    """Raise JsonError for an object with more fields than any request has."""
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if len(value) > MOST_FIELDS:
                raise JsonError(user_messages.too_many_fields(len(value), MOST_FIELDS))
            pending += value.values()
        elif isinstance(value, list):
            pending += [each for each in value if isinstance(each, dict | list)]


def _find_field(document: object, is_bad: Callable[[str], bool]) -> str | None:
    """Return the nearest key above a bad text, for the error message; None without bad texts."""
    pending: list[tuple[str, object]] = [("of the request", document)]
    while pending:
        name, value = pending.pop()
        if isinstance(value, str) and is_bad(value):
            return name
        if isinstance(value, list):
            pending += [(name, each) for each in value]
        elif isinstance(value, dict):
            pending += [(name, key) for key in value]
            pending += [(key[:40] if key.isprintable() else name, value[key]) for key in value]
    return None


def _holds_nul(text: str) -> bool:
    return "\0" in text


def _holds_half(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
