"""The one error root of worklists."""

from __future__ import annotations


class WorklistError(Exception):
    """Root of the errors of worklists; the message is a sentence fit to be shown."""
