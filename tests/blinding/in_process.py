"""Requests to an ASGI application without a socket.

httpx's own transport returns nothing of a stream that does not end, such as the events of a
question that waits for an answer; this one returns what was sent until then.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

PATIENCE_SECONDS = 20.0
"""Longest wait for a response."""
STREAM_SECONDS = 0.05
"""How long a stream of events is heard."""


@dataclass
class Response:
    """A response."""

    status: int = 0
    """HTTP status."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers, in lower case."""
    body: bytes = b""
    """What was sent until the end or the timeout."""

    @property
    def is_good(self) -> bool:
        """Whether the request succeeded."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The sentence of a refusal."""
        try:
            return str(self.json()["error"]["message"])
        except (ValueError, KeyError, TypeError):
            return self.body[:200].decode(errors="replace")


class InProcess:
    """Sends requests to an application on its own event loop, one at a time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def request(
        self, token: str, method: str, target: str, body: Any = None, *, stream: bool = False
    ) -> Response:
        """Return the response, of a stream what comes within STREAM_SECONDS."""
        return self._loop.run_until_complete(self._request(token, method, target, body, stream))

    def close(self) -> None:
        """Close the loop."""
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _request(
        self, token: str, method: str, target: str, body: Any, stream: bool
    ) -> Response:
        path, _, query = target.partition("?")
        sent = b"" if body is None else json.dumps(body).encode()
        headers = [
            (b"host", b"127.0.0.1:7860"),
            (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(sent)).encode()),
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "scheme": "http",
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 7860),
        }
        response, gone = Response(), asyncio.Event()
        messages = [{"type": "http.request", "body": sent, "more_body": False}]

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status = message["status"]
                response.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            elif message["type"] == "http.response.body":
                response.body += message.get("body", b"")

        task = asyncio.ensure_future(self._app(scope, receive, send))
        patience = STREAM_SECONDS if stream else PATIENCE_SECONDS
        done, _ = await asyncio.wait({task}, timeout=patience)
        if not done:
            gone.set()
            done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
            if not (stream and done):
                message = f"{method} {target} does not end."
                raise TimeoutError(message)
        await task
        return response
