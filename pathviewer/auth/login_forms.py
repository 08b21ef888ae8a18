"""Parsing of short forms."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.requests import Request

LONGEST_FORM = 16_384
"""Most bytes of a form; more is not read."""


async def read_form(request: Request) -> dict[str, str] | None:
    """Return the fields of a form; None if it exceeds `LONGEST_FORM` or is cut off."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_FORM:
                return None
    except ClientDisconnect:  # nobody reads a response
        return None
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return dict(pairs)
