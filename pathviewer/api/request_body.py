"""Reading of request bodies up to a limit, and of numbers in headers and queries."""

# ruff: noqa: N818

from __future__ import annotations

from typing import Any

from starlette.requests import ClientDisconnect, Request

from pathviewer.api import user_messages
from pathviewer.api.strict_json import MOST_DIGITS, parse_json
from pathviewer.auth.identity import bound_key_of
from pathviewer.common.bounded_json import JsonError
from pathviewer.common.errors import UserError
from pathviewer.common.work_queue import READS

JSON_LIMIT = 2**20
LARGE_JSON = 2**16
"""Bytes from which JSON is parsed in a thread, to keep the event loop free."""


class BodyError(UserError):
    """The body is not what the route accepts."""

    code = "bad_json"


class BodyTooLarge(BodyError):
    """The body is larger than the route accepts."""

    code = "too_large"


def parse_whole_number(text: str | None) -> int | None:
    """Parse up to 18 ASCII digits; None for any other text."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > MOST_DIGITS:
        return None
    return int(text)


async def read_body(request: Request, limit: int) -> bytes:
    """Read the body. Raises BodyTooLarge beyond `limit` bytes, BodyError on a disconnect."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge(user_messages.request_too_large(limit))
    except ClientDisconnect:
        raise BodyError(user_messages.REQUEST_CUT_OFF) from None
    return bytes(body)


async def read_json(request: Request, limit: int = JSON_LIMIT) -> Any:
    """Read the body as JSON of any type. Raises BodyError."""
    body = await read_body(request, limit)
    try:
        if len(body) < LARGE_JSON:
            return parse_json(body)
        return await READS.run(lambda: parse_json(body), bound_key_of(request.scope))
    except JsonError as error:
        raise BodyError(str(error)) from None
