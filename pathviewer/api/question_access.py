"""Whose readings may be seen, and acted on, by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from pathviewer.auth.identity import Forbidden, require
from pathviewer.auth.roles import SEES_ALL, Action, allows
from pathviewer.questions.errors import ReadingNotFound

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.questions.service import LiveReadings
    from pathviewer.questions.snapshot import WholeReading


async def own_reading(request: Request, readings: LiveReadings) -> WholeReading:
    """The reading of a request's path, for its author, for those who may see all, and for whoever
    was given it by a worklist.

    Raises Forbidden, ReadingNotFound, ReadingRefused, StorageError.
    """
    whole, own = await _found(request, readings)
    if not own and require(request.scope, Action.ask).role not in SEES_ALL:
        raise ReadingNotFound("There is no such reading among yours.")
    return whole


async def reading_to_change(request: Request, readings: LiveReadings) -> WholeReading:
    """The reading of a request's path, to stop it or to add to it: as `own_reading`, but to see
    others' readings is not to act on them, which only administrators may.

    Raises Forbidden, ReadingNotFound, ReadingRefused, StorageError.
    """
    whole, own = await _found(request, readings)
    role = require(request.scope, Action.ask).role
    if not own and role not in SEES_ALL:
        raise ReadingNotFound("There is no such reading among yours.")
    if not own and not allows(role, Action.administer):
        raise Forbidden(
            "You may see this question, but only its author, a rater it was given to or an "
            "administrator may stop or check it. Ask it again to have one of your own."
        )
    return whole


async def _found(request: Request, readings: LiveReadings) -> tuple[WholeReading, bool]:
    """The reading of a request's path, and whether the account asked it or was given it."""
    identity = require(request.scope, Action.ask)
    whole = await run_in_threadpool(readings.find, request.path_params["reading_id"])
    handed_out = await run_in_threadpool(
        readings.keep.handed_out,
        whole.record.id,
        identity.account_id,
        judges_all=identity.judges_all,
    )
    return whole, handed_out or identity.account_id == whole.record.account_id
