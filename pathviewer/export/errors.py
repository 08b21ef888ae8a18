"""The error root of exports."""

from __future__ import annotations


class ExportError(Exception):
    """Root of the errors of exports; the message is a sentence that may be shown."""
