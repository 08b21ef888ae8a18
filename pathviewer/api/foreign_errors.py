"""Errors of Gradio and of the libraries in our one shape."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from pathviewer.api.responses import error_response, internal_error

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Send

MOST_HELD = 64 * 1024
"""Bytes of an error's body that are looked at."""
PLAIN = (b"text/plain",)
"""Content types of errors that Starlette writes itself, as of a Range that is none."""


class OneShape:
    """Gives errors of others the shape that all errors here have."""

    def __init__(self, send: Send, kinds: tuple[bytes, ...] = (b"",)) -> None:
        """Errors whose content type begins with one of `kinds`; of any if none are named."""
        self._send = send
        self._kinds = kinds
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Take the next message of an answer."""
        if message["type"] == "http.response.start" and self._is_others(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body = (self._body + message.get("body", b""))[:MOST_HELD]
            if not message.get("more_body"):
                await self._answer(shaped(self._start["status"], self._body))

    def _is_others(self, start: Message) -> bool:
        if start["status"] < HTTPStatus.BAD_REQUEST:
            return False
        kind = next((value for name, value in start["headers"] if name == b"content-type"), b"")
        return bool(kind.startswith(self._kinds))

    async def _answer(self, answer: Response) -> None:
        start = {"type": "http.response.start", "status": answer.status_code}
        kept = {b"allow", b"retry-after", b"content-range"}
        given = self._start["headers"] if self._start else []
        headers = [*answer.raw_headers, *(each for each in given if each[0] in kept)]
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": bytes(answer.body)})


def shaped(status: int, body: bytes) -> Response:
    """The answer for an error of Gradio's: what an endpoint refuses is the request's fault."""
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    told = told if isinstance(told, dict) else {}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE:
        refused = sentence(told.get("error"))
        return error_response("refused", refused, 400) if refused else internal_error()
    phrase = HTTPStatus(status)
    message = sentence(told.get("detail")) or f"{phrase.phrase}."
    return error_response(phrase.name.lower(), message, status)


def sentence(told: object) -> str:
    """What Gradio says, if it says anything."""
    return told[:500] if isinstance(told, str) else ""
