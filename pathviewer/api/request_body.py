"""Bodies of requests, read up to a limit, and numbers in headers and queries."""

# ruff: noqa: N818

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from pathviewer.api.strict_json import MOST_DIGITS, parse_json
from pathviewer.common.bounded_json import JsonError
from pathviewer.slides.errors import SlideError

JSON_LIMIT = 2**20
LARGE_JSON = 2**16
"""Bytes of JSON from which on it is parsed in a thread, so that nobody waits for it."""


class BodyError(SlideError):
    """A body that is not what the route takes."""

    code = "bad_json"
    status = 400


class BodyTooLarge(BodyError):
    """A body larger than the route takes."""

    code = "too_large"
    status = 413


def parse_whole_number(text: str | None) -> int | None:
    """The number that ASCII digits write; None for all else, more than 18 digits included."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > MOST_DIGITS:
        return None
    return int(text)


async def read_body(request: Request, limit: int) -> bytes:
    """The body. Raises BodyTooLarge as soon as it has more than `limit` bytes."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge(f"The request is larger than {limit} bytes: send less at once.")
    except ClientDisconnect:
        raise BodyError("The connection ended before the request did: send it again.") from None
    return bytes(body)


async def read_json(request: Request, limit: int = JSON_LIMIT) -> Any:
    """The body as JSON of any kind. Raises BodyError."""
    body = await read_body(request, limit)
    try:
        if len(body) < LARGE_JSON:
            return parse_json(body)
        return await run_in_threadpool(parse_json, body)
    except JsonError as error:
        raise BodyError(str(error)) from None


async def read_json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises BodyError."""
    document = await read_json(request)
    if not isinstance(document, dict):
        raise BodyError("The request must be a JSON object, as in {...}.")
    return document
