"""The error whose message may be shown to any user."""

from __future__ import annotations

from typing import ClassVar


class UserError(Exception):
    """Root of errors for users.

    The message names the value and the way out, never a path. `pathviewer/api/error_status.py`
    gives the HTTP status of each code.
    """

    code: ClassVar[str] = "refused"
    """Stable identifier for programs: the `code` of the JSON error."""
