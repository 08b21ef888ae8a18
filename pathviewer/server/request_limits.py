"""Limits on request size, checked before the application reads the request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pathviewer.api.request_body import BodyTooLarge, parse_whole_number
from pathviewer.api.responses import error_response, error_to_response, not_found
from pathviewer.server import user_messages
from pathviewer.slides import geojson

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pathviewer.settings import Settings

LONGEST_PATH = 4_096
LONGEST_SEGMENT = 255
"""Most bytes between two slashes: the longest file name, and longer than any id."""
LONGEST_QUERY = 16_384
KIB = 1024
_UPLOAD = re.compile(r"/api/uploads/[^/]+")
_REGIONS = re.compile(r"/api/slides/[^/]+/regions\.geojson")


class RequestLimits:
    """Refuses requests that are too large, by Content-Length or while the body arrives."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._most = settings.request_limit_kib * KIB
        self._most_upload = settings.upload_limit_mib * KIB * KIB

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
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
        """Return the byte limit of this request's body."""
        method, path = scope["method"], scope["path"]
        if method == "PATCH" and _UPLOAD.fullmatch(path):
            return self._most_upload
        if method == "POST" and _REGIONS.fullmatch(path):
            return max(self._most, geojson.MAX_BYTES)
        return self._most


def target_refusal(scope: Scope) -> Response | None:
    """Return the refusal of an unacceptable path or query; None if acceptable."""
    path: str = scope["path"]
    if len(path) > LONGEST_PATH or len(scope.get("query_string", b"")) > LONGEST_QUERY:
        return error_response("too_long", user_messages.ADDRESS_TOO_LONG, 414)
    if b"%00" in scope.get("query_string", b""):  # no database accepts it in text
        return error_response("bad_request", user_messages.NUL_IN_ADDRESS, 400)
    if not path.startswith("/") or "\0" in path:
        return not_found(path)
    if len(path) > LONGEST_SEGMENT and any(
        len(part.encode(errors="replace")) > LONGEST_SEGMENT for part in path.split("/")
    ):
        return not_found(path)
    return None


def announced_length(scope: Scope) -> int | None:
    """Return the Content-Length; None if the header is invalid or the body is chunked.

    Without a length and without chunks there is no body, so the result is 0.
    """
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return None
    length = headers.get(b"content-length")
    return 0 if length is None else parse_whole_number(length.decode("latin-1"))


def too_large_response(most: int) -> Response:
    """Return the response to a body of more than `most` bytes."""
    return error_to_response(BodyTooLarge(user_messages.request_too_large(most)))


def limit_body(receive: Receive, most: int) -> Receive:
    """Wrap `receive` to raise BodyTooLarge after more than `most` bytes."""
    bytes_left = most

    async def bounded() -> Message:
        nonlocal bytes_left
        message = await receive()
        bytes_left -= len(message.get("body", b""))
        if bytes_left < 0:
            raise BodyTooLarge(user_messages.request_too_large(most))
        return message

    return bounded
