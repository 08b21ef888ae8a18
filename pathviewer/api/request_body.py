"""Bodies of requests, read up to a limit."""

# ruff: noqa: N818

from __future__ import annotations

import json
from typing import Any

from starlette.requests import ClientDisconnect, Request

from pathviewer.slides.errors import SlideError

JSON_LIMIT = 2**20


class BodyError(SlideError):
    """A body that is not what the route takes."""

    code = "bad_json"
    status = 400


class BodyTooLarge(BodyError):
    """A body larger than the route takes."""

    code = "too_large"
    status = 413


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


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises BodyError."""
    body = await read_body(request, JSON_LIMIT)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise BodyError("The request is not JSON.") from None
    if not isinstance(document, dict):
        raise BodyError("The request must be a JSON object, as in {...}.")
    return document
