"""Server-sent events of a question, while the listener is logged in."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import anyio

from pathviewer.api.bounded_stream import BoundedStream
from pathviewer.api.json_route import EventStream
from pathviewer.api.request_body import parse_whole_number
from pathviewer.auth.identity import bound_key_of, is_still_allowed
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import READS, AccountBounds, WorkKind
from pathviewer.questions.question_json import replay_events
from pathviewer.questions.run import FINAL_EVENTS
from storage.errors import StorageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.questions.run import QuestionRun
    from pathviewer.questions.service import QuestionService

LOGIN_CHECK_SECONDS = 1.0
"""Interval between two checks of the listener's login."""
WAIT_SECONDS = 1.05
"""Longest wait for an event, and interval between two polls of the database; longer than
LOGIN_CHECK_SECONDS, so that each brings a check."""
KEEPALIVE_SECONDS = 15.0
"""Longest silence of a stream; proxies cut idle connections."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

NumberedEvent = tuple[int, dict[str, Any]]


def stream_events(
    request: Request,
    questions: QuestionService,
    question_id: str,
    last_event_id: str | None,
    bounds: AccountBounds,
) -> BoundedStream:
    """Return the stream of all events after `last_event_id`, all if it is no number."""
    number = parse_whole_number(last_event_id) or 0
    run = questions.find_run(question_id)
    account = bound_key_of(request.scope)
    events = (
        _live_events(run, number)
        if run
        else _stored_events(questions, question_id, number, account)
    )
    return BoundedStream(
        _event_texts(request, events),
        bounds,
        WorkKind.stream,
        media_type=EventStream.media_type,
        headers=_HEADERS,
    )


async def _event_texts(
    request: Request, events: AsyncGenerator[NumberedEvent | None]
) -> AsyncGenerator[str]:
    """Yield events as text up to the final one; None is a wait that has ended.

    Ends early when the login ends: the page reconnects and gets the refusal.
    """
    last_sent = last_checked = time.monotonic()
    async with aclosing(events):
        async for event in events:
            now = time.monotonic()
            if now - last_checked > LOGIN_CHECK_SECONDS:
                last_checked = now
                if not await _may_listen(request):
                    return
            if event:
                last_sent = now
                yield f"id: {event[0]}\ndata: {json.dumps(event[1])}\n\n"
                if event[1]["type"] in FINAL_EVENTS:
                    return
            elif now - last_sent > KEEPALIVE_SECONDS:
                last_sent = now
                yield ": still here\n\n"


async def _may_listen(request: Request) -> bool:
    """Whether the login is still valid; true while the database is unreachable."""
    try:
        return await is_still_allowed(request.scope, Action.ask)
    except StorageError:
        return True


async def _live_events(run: QuestionRun, number: int) -> AsyncGenerator[NumberedEvent | None]:
    """Yield the events of a run as it publishes them, and None after each wait."""
    with run.listeners.register() as listener:
        while True:
            released = run.released  # read before the events, so that none is missed
            for number, event in run.events_since(number):  # noqa: B020  continues after the last
                yield number, event
            if released:
                return
            await listener.wait(WAIT_SECONDS)
            yield None


async def _stored_events(
    questions: QuestionService, question_id: str, number: int, account: str
) -> AsyncGenerator[NumberedEvent | None]:
    """Yield all events of a stored question, numbered after `number`; wait for blinded ones.

    The database is polled: another process may write the rest, and nothing here would wake.
    """
    sent_count = 0
    while True:
        try:
            snapshot = await READS.run(lambda: questions.find(question_id), account)
            events = list(replay_events(snapshot))
        except StorageError:
            events = []  # temporarily unavailable; polled again
        for event in events[sent_count:]:
            number += 1
            yield number, event
        sent_count = max(sent_count, len(events))
        await anyio.sleep(WAIT_SECONDS)
        yield None
