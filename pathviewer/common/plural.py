"""Counts with a noun in singular or plural."""

from __future__ import annotations


def format_count(number: int, thing: str) -> str:
    """Return `1 pair` or `3 pairs`, for nouns whose plural adds an s."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
