"""Error root of worklists."""

from __future__ import annotations

from pathviewer.common.errors import UserError


class WorklistError(UserError):
    """Root of worklist errors; the message may be shown to users."""

    code = "worklist_refused"
