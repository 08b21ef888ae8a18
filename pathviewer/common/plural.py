"""Numbers of things, as they are read."""

from __future__ import annotations


def format_count(number: int, thing: str) -> str:
    """`1 pair`, `3 pairs`: of things whose plural has an s."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
