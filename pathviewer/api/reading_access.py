"""Whose readings may be seen by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action, Role
from pathviewer.reading.errors import ReadingNotFound
from pathviewer.reading.live import LiveReading
from pathviewer.reading.live_readings import LiveReadings

if TYPE_CHECKING:
    from starlette.requests import Request

_WIDE = frozenset({Role.researcher, Role.admin})


def own_reading(request: Request, readings: LiveReadings) -> LiveReading:
    """The reading of a request's path, for its author and for those who may see all."""
    identity = require(request.scope, Action.ask)
    reading = readings.find(request.path_params["reading_id"])
    if identity.account_id != reading.asked.account_id and identity.role not in _WIDE:
        raise ReadingNotFound("There is no such reading among yours.")
    return reading
