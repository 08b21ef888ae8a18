"""A reading's story as server-sent events, for as long as its hearer may hear it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from pathviewer.api.request_body import whole_number
from pathviewer.auth.identity import identity_of, is_still_allowed
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import AccountBounds, Kind
from pathviewer.questions.question_json import events_of
from pathviewer.questions.run import LAST
from storage.errors import StorageError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from pathviewer.questions.run import LiveReading
    from pathviewer.questions.service import LiveReadings

LOOK_SECONDS = 0.03
"""How often a stream looks for events that a thread has added."""
ASK_SECONDS = 1.0
"""How often it asks whether its hearer is still logged in, and the database where it has to."""
BREATH_SECONDS = 15.0
"""Longest silence of a stream; proxies cut connections that say nothing."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Numbered = tuple[int, dict[str, Any]]


class BoundedStream(StreamingResponse):
    """A stream that counts among those of its account while it is sent. Raises TooBusy then."""

    bounds: AccountBounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self.bounds.slot(identity_of(scope).bound_key, Kind.stream):
            await super().__call__(scope, receive, send)


def event_stream(
    request: Request, readings: LiveReadings, reading_id: str, bounds: AccountBounds
) -> StreamingResponse:
    """All events after the request's Last-Event-ID."""
    number = whole_number(request.headers.get("last-event-id")) or 0
    live = readings.live(reading_id)
    events = _live(live, number) if live else _kept(readings, reading_id, number)
    stream = BoundedStream(_told(request, events), media_type="text/event-stream", headers=_HEADERS)
    stream.bounds = bounds
    return stream


async def _told(request: Request, events: AsyncIterator[Numbered | None]) -> AsyncIterator[str]:
    """Events as text until the last; None stands for a look that found nothing.

    Ends early when the login does: the page asks again, and is told so.
    """
    spoken = asked = time.monotonic()
    async for found in events:
        now = time.monotonic()
        if now - asked > ASK_SECONDS:
            asked = now
            if not await _may_hear(request):
                return
        if found:
            spoken = now
            yield f"id: {found[0]}\ndata: {json.dumps(found[1])}\n\n"
            if found[1]["type"] in LAST:
                return
        elif now - spoken > BREATH_SECONDS:
            spoken = now
            yield ": still here\n\n"


async def _may_hear(request: Request) -> bool:
    """Whether the login still holds; a database that is away does not end it."""
    try:
        return await is_still_allowed(request.scope, Action.ask)
    except StorageError:
        return True


async def _live(reading: LiveReading, number: int) -> AsyncIterator[Numbered | None]:
    """Of a reading that is being written."""
    while True:
        gone = reading.gone  # before the look, which then has all that there was
        for number, event in reading.since(number):  # noqa: B020  goes on after the last
            yield number, event
        if gone:
            return
        yield None
        await anyio.sleep(LOOK_SECONDS)


async def _kept(
    readings: LiveReadings, reading_id: str, number: int
) -> AsyncIterator[Numbered | None]:
    """Of one that was kept, told anew whatever was heard; waits for what is withheld."""
    told = 0
    while True:
        try:
            events = list(events_of(await run_in_threadpool(readings.find, reading_id)))
        except StorageError:
            events = []  # away for a moment; asked again
        for event in events[told:]:
            number += 1
            yield number, event
        told = max(told, len(events))
        yield None
        await anyio.sleep(ASK_SECONDS)
