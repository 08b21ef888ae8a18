"""Bounds on what a request may bring, checked before anything behind reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pathviewer.api.request_body import BodyTooLarge, parse_whole_number
from pathviewer.api.responses import error_response, not_found
from pathviewer.slides import geojson

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pathviewer.settings import Settings

LONGEST_PATH = 4_096
LONGEST_SEGMENT = 255
"""Bytes between two slashes: as long as the name of a file may be, and longer than every id."""
LONGEST_QUERY = 16_384
KIB = 1024
_UPLOAD = re.compile(r"/api/uploads/[^/]+")
_REGIONS = re.compile(r"/api/slides/[^/]+/regions\.geojson")


class RequestLimits:
    """Refuses what is too large, by its announced length at once and else while it arrives."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._most = settings.request_limit_kib * KIB
        self._most_upload = settings.upload_limit_mib * KIB * KIB

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = target_refusal(scope)
        announced = announced_length(scope)
        if refusal is None and announced != 0:
            most = self._limit(scope)
            if announced is not None and announced > most:
                refusal = too_large_response(most)
            receive = limit_body(receive, most)
        await (refusal or self._app)(scope, receive, send)

    def _limit(self, scope: Scope) -> int:
        """Bytes that the body of this request may have."""
        method, path = scope["method"], scope["path"]
        if method == "PATCH" and _UPLOAD.fullmatch(path):
            return self._most_upload
        if method == "POST" and _REGIONS.fullmatch(path):
            return max(self._most, geojson.MAX_BYTES)
        return self._most


def target_refusal(scope: Scope) -> Response | None:
    """The answer to a path or query that nothing behind needs to see."""
    path: str = scope["path"]
    if len(path) > LONGEST_PATH or len(scope.get("query_string", b"")) > LONGEST_QUERY:
        return error_response("too_long", "This address is too long: shorten it.", 414)
    if b"%00" in scope.get("query_string", b""):  # which no database takes in a text
        return error_response("bad_request", "A NUL character has no place in an address.", 400)
    if not path.startswith("/") or "\0" in path:
        return not_found(path)
    if len(path) > LONGEST_SEGMENT and any(
        len(part.encode(errors="replace")) > LONGEST_SEGMENT for part in path.split("/")
    ):
        return not_found(path)
    return None


def announced_length(scope: Scope) -> int | None:
    """Bytes of the body that the headers announce; None where they do not say how many.

    Without a length and without chunks there is no body.
    """
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return None
    length = headers.get(b"content-length")
    return 0 if length is None else parse_whole_number(length.decode("latin-1"))


def too_large_response(most: int) -> Response:
    """The answer to a body of more than `most` bytes."""
    message = f"The request is larger than {most:,} bytes: send less at once."
    return error_response(BodyTooLarge.code, message, BodyTooLarge.status)


def limit_body(receive: Receive, most: int) -> Receive:
    """`receive` that raises BodyTooLarge once more than `most` bytes have come."""
    bytes_left = most

    async def bounded() -> Message:
        nonlocal bytes_left
        message = await receive()
        bytes_left -= len(message.get("body", b""))
        if bytes_left < 0:
            raise BodyTooLarge(f"The request is larger than {most:,} bytes: send less at once.")
        return message

    return bounded
