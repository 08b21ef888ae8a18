"""The error root of operations."""

from __future__ import annotations

from pathviewer.common.errors import UserError


class UpkeepError(UserError):
    """Root of the errors of operations; the message is a sentence that may be shown."""

    code = "upkeep_refused"
