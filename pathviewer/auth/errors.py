"""The error root of the access rules."""

from __future__ import annotations

from pathviewer.common.errors import UserError


class AccessError(UserError):
    """An unacceptable setting, name or password; the message gives the reason and the remedy."""

    code = "access_refused"
