"""Error root of worklists."""

from __future__ import annotations


class WorklistError(Exception):
    """Root of worklist errors; the message may be shown to users."""
