"""Unicode normalization for names of slides, cases, worklists and regions.

Unicode encodes "ü" as one character (composed, NFC) or as "u" and a mark (decomposed, NFD). Windows
and Linux mostly use NFC; macOS file names use NFD. People see the same name, so names are converted
to NFC wherever they are stored, compared or searched.
"""

from __future__ import annotations

import unicodedata


def normalize_name(name: str) -> str:
    """Convert a name to NFC; use it to compare file paths, not to change them."""
    return unicodedata.normalize("NFC", name)


def list_stored_spellings(name: str) -> tuple[str, ...]:
    """Spellings of a name that a column may hold: NFC, and NFD from before normalization."""
    return tuple(dict.fromkeys((normalize_name(name), unicodedata.normalize("NFD", name), name)))
