"""Lots that are drawn once and for all: who judges what, in which order, and what comes again."""

from __future__ import annotations

import hashlib


def lot(what: str, owner: str, key: str) -> float:
    """A number from 0 to below 1; the same three words give the same one for ever.

    The first 52 bits of a SHA-256, which is as much as a float holds.
    """
    digest = hashlib.sha256(f"{what} {owner} {key}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13
