"""Names as they are compared and stored: of slides, cases, worklists and regions.

Unicode writes "ü" as one character (composed, NFC) or as "u" and a mark (decomposed, NFD). Windows
and Linux mostly type the first; macOS gives files the second. Both are one name to a reader, so
every name is brought to NFC wherever it is stored, compared or searched.
"""

from __future__ import annotations

import unicodedata


def normalize_name(name: str) -> str:
    """The name in NFC; of a file's path this is for comparison, and the path stays as it is."""
    return unicodedata.normalize("NFC", name)


def list_stored_spellings(name: str) -> tuple[str, ...]:
    """The forms under which a column may hold the name: NFC, and NFD where it was stored before
    names were normalized."""
    return tuple(dict.fromkeys((normalize_name(name), unicodedata.normalize("NFD", name), name)))
