"""Whose readings may be seen by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from pathviewer.auth.identity import require
from pathviewer.auth.roles import SEES_ALL, Action
from pathviewer.reading.errors import ReadingNotFound

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.reading.live_readings import LiveReadings
    from pathviewer.reading.whole import WholeReading


async def own_reading(request: Request, readings: LiveReadings) -> WholeReading:
    """The reading of a request's path, for its author, for those who may see all, and for whoever
    was given it by a worklist.

    Raises Forbidden, ReadingNotFound, ReadingRefused, StorageError.
    """
    identity = require(request.scope, Action.ask)
    whole = await run_in_threadpool(readings.find, request.path_params["reading_id"])
    handed_out = await run_in_threadpool(
        readings.keep.handed_out,
        whole.record.id,
        identity.account_id,
        judges_all=identity.judges_all,
    )
    own = handed_out or identity.account_id == whole.record.account_id
    if not own and identity.role not in SEES_ALL:
        raise ReadingNotFound("There is no such reading among yours.")
    return whole
