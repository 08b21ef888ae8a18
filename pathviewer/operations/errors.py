"""The one error root of upkeep."""

from __future__ import annotations


class UpkeepError(Exception):
    """Root of the errors of upkeep; the message is a sentence fit to be shown."""
