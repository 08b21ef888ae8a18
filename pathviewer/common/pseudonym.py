"""Pseudonyms that are the same in every export and chart."""

from __future__ import annotations

import hashlib


def pseudonym(kind: str, identity: str) -> str:
    """A name that tells nothing of the id behind it; the same in every export of a database.

    Ids are random and never leave the server, so that nobody can try them all.
    """
    return f"{kind}-{hashlib.sha256(f'pathviewer {kind} {identity}'.encode()).hexdigest()[:12]}"
