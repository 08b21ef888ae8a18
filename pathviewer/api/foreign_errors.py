"""Conversion of Gradio's and libraries' error responses to our JSON errors."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from pathviewer.api.responses import error_response, internal_error

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Send

MOST_BODY_BYTES = 64 * 1024
"""Bytes of an error's body that are read."""
PLAIN_TEXT = (b"text/plain",)
"""Content type of Starlette's own errors, such as for an invalid Range."""


class ErrorReshaper:
    """ASGI sender that converts foreign error responses to our JSON errors."""

    def __init__(self, send: Send, content_types: tuple[bytes, ...] = (b"",)) -> None:
        """Convert errors whose content type starts with one of these; by default all errors."""
        self._send = send
        self._content_types = content_types
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Forward or convert the next message of a response."""
        if message["type"] == "http.response.start" and self._is_foreign_error(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body = (self._body + message.get("body", b""))[:MOST_BODY_BYTES]
            if not message.get("more_body"):
                await self._send_response(reshape_error(self._start["status"], self._body))

    def _is_foreign_error(self, start: Message) -> bool:
        if start["status"] < HTTPStatus.BAD_REQUEST:
            return False
        content_type = next(
            (value for name, value in start["headers"] if name == b"content-type"), b""
        )
        return bool(content_type.startswith(self._content_types))

    async def _send_response(self, response: Response) -> None:
        start = {"type": "http.response.start", "status": response.status_code}
        forwarded_names = {b"allow", b"retry-after", b"content-range"}
        original_headers = self._start["headers"] if self._start else []
        headers = [
            *response.raw_headers,
            *(each for each in original_headers if each[0] in forwarded_names),
        ]
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": bytes(response.body)})


def reshape_error(status: int, body: bytes) -> Response:
    """Return our response for one of Gradio's errors.

    Gradio answers a `gr.Error` with a 5xx status and its message; it becomes a 400.
    """
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    document = document if isinstance(document, dict) else {}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE:
        refusal = read_sentence(document.get("error"))
        return error_response("refused", refusal, 400) if refusal else internal_error()
    phrase = HTTPStatus(status)
    message = read_sentence(document.get("detail")) or f"{phrase.phrase}."
    return error_response(phrase.name.lower(), message, status)


def read_sentence(value: object) -> str:
    """Return a text value, at most 500 characters; empty for other values."""
    return value[:500] if isinstance(value, str) else ""
