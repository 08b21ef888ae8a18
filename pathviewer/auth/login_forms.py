"""The short forms of the login."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.requests import Request

LONGEST_FORM = 16_384
"""Bytes of a login form; more is not read."""


async def read_form(request: Request) -> dict[str, str] | None:
    """The fields of a form; None if it is longer than `LONGEST_FORM` or breaks off."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_FORM:
                return None
    except ClientDisconnect:  # nobody is there to read an answer
        return None
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return dict(pairs)
