"""Pseudonyms that are the same in every export and chart."""

from __future__ import annotations

import hashlib


def pseudonym(kind: str, identity: str) -> str:
    """Return a name that does not reveal the id; the same in every export of a database.

    Ids are random and never leave the server, so they cannot be enumerated.
    """
    return f"{kind}-{hashlib.sha256(f'pathviewer {kind} {identity}'.encode()).hexdigest()[:12]}"
