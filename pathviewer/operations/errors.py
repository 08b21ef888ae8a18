"""The error root of operations."""

from __future__ import annotations


class UpkeepError(Exception):
    """Root of the errors of operations; the message is a sentence that may be shown."""
