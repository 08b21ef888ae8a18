"""Words that nothing contains by chance, so that a search of the bytes finds what leaks."""

from __future__ import annotations

import itertools
import re

_NUMBERS = itertools.count(1)
PATTERN = re.compile(r"zq[0-9]{7}qz", re.IGNORECASE)


def new_token() -> str:
    """A word that occurs nowhere else."""
    return f"zq{next(_NUMBERS):07}qz"


def find_tokens(text: str) -> set[str]:
    """The words in a text."""
    return {word.lower() for word in PATTERN.findall(text)}
