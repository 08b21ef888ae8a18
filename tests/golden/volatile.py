"""Stable names for values that differ from run to run: ids, times, hashes, tokens, durations.

A value gets its name where it appears first and keeps it in every file, so that relations stay
visible. A name holds the step that introduced it; a change in one step renames nothing elsewhere.
"""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from PIL import Image

TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:\+00:00|Z)?"
PATTERNS = {
    "password hash": r"\$argon2id\$[\w=,$+/]+",
    "hash": r"\b[0-9a-f]{64}\b",
    "id": r"\b(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})\b",
    "time": TIME,
}
SECONDS_ALONE = 19
"""Characters of a time without its fraction: runs differ in which of them are the same second."""
SIZE = re.compile(r"\b\d+\.\d MiB\b")
DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")
MEASURED = re.compile(r"seconds$")
BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
DATA_URL = "data:image/png;base64,"
SIGNIFICANT_DIGITS = 5
SECONDS_DIGITS = 4
"""Decimals beyond which a duration was measured; clients of the scenario send rounder ones."""


PACKED = ("version", "versions", "byte_count")
"""Keys of values that follow the version of the program or of a library."""


class Volatile:
    """Gives names to volatile values; one for all files of a recording."""

    def __init__(self, ids: Mapping[str, str], words: Mapping[str, str]) -> None:
        """`ids` are names of ids that are known, `words` other texts to replace."""
        self.step = "start"
        self._ids = ids
        self._words = dict(words)
        self._names: dict[tuple[str, str], str] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def add_word(self, text: str, name: str) -> None:
        """Replace a text by a name from now on."""
        self._words[text] = name

    def knows(self, value: object) -> bool:
        """Whether a value is an id that every run gives out alike."""
        return value in self._ids

    def value(self, value: Any, key: str = "") -> Any:
        """A JSON value with volatile parts named; `key` is where it stands in its object."""
        if key in PACKED and value is not None:
            return f"<{key}>"
        if isinstance(value, Mapping):
            return {self.text(name): self.value(value[name], name) for name in sorted(value)}
        if isinstance(value, list | tuple):
            return [self.value(item, key) for item in value]
        if isinstance(value, bytes):
            return picture_name(value)
        if isinstance(value, float):
            return number(value, key)
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A text with volatile parts named."""
        if text.startswith(DATA_URL):
            return picture_name(base64.b64decode(text.removeprefix(DATA_URL)))
        if is_base64(text):
            return f"<base64 of {len(base64.b64decode(text))} bytes>"
        for word in sorted(self._words, key=len, reverse=True):
            text = text.replace(word, self._words[word])
        for kind, pattern in PATTERNS.items():
            text = re.sub(pattern, partial(self._named, kind), text)
        return SIZE.sub("<size>", DAY.sub("<day>", text))

    def _named(self, kind: str, match: re.Match[str]) -> str:
        return self._name(kind, match[0])

    def _name(self, kind: str, value: str) -> str:
        if value in self._ids:
            return self._ids[value]
        if kind == "time":
            if len(value.removesuffix("+00:00").removesuffix("Z")) == SECONDS_ALONE:
                return "<time in seconds>"
            value = moment(value)
        if (kind, value) not in self._names:
            self._counts[kind, self.step] += 1
            number = self._counts[kind, self.step]
            self._names[kind, value] = f"<{kind} {number} of {self.step}>"
        return self._names[kind, value]


def is_base64(text: str) -> bool:
    """Whether it is packed numbers, and no hash."""
    whole = BASE64.fullmatch(text) is not None and len(text) % 4 == 0
    return whole and re.fullmatch(PATTERNS["hash"], text) is None


def moment(text: str) -> str:
    """A time in one spelling, whether JSON or SQLite wrote it."""
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).isoformat()


def number(value: float, key: str) -> float | str:
    """A number with as many digits as every machine computes alike; a measured time by name."""
    if MEASURED.search(key) and round(value, SECONDS_DIGITS) != value:
        return "<seconds>"
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def picture_name(data: bytes) -> str:
    """A picture by its format and size in pixels; its bytes follow the version of a library."""
    with Image.open(io.BytesIO(data)) as picture:
        return f"<{(picture.format or '').lower()} {picture.width} x {picture.height}>"
