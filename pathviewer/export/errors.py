"""The error root of exports."""

from __future__ import annotations

from pathviewer.common.errors import UserError


class ExportError(UserError):
    """Root of the errors of exports; the message is a sentence that may be shown."""

    code = "export_refused"
