"""One HTTP/1.1 connection of a load generator, hand-written for low cost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_IDLE_SECONDS = 3.0
"""A connection idle for longer is reopened, s: servers close theirs after five."""

_LIMIT = 2**20
"""Longest line of a response, bytes; one event of a stream is one line."""


@dataclass(frozen=True)
class HttpResponse:
    """A complete response."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Headers by lower-case name; the last of repeated ones."""
    body: bytes
    """Body without chunk framing."""

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class HttpConnection:
    """A persistent connection, reopened when the server closes it."""

    def __init__(self, base: str, headers: Mapping[str, str] | None = None) -> None:
        """Take `headers`, which are sent with every request."""
        parts = urlsplit(base)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._head = f"Host: {parts.netloc}\r\n"
        for name, value in (headers or {}).items():
            self._head += f"{name}: {value}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0

    async def request(
        self, method: str, path: str, body: object = None, headers: str = ""
    ) -> HttpResponse:
        """Send one request and read its whole response.

        `body` is sent as JSON, bytes unchanged. `headers` are further header lines, each with its
        line end. Raises OSError or EOFError when the connection breaks.
        """
        try:
            reader = await self._send(method, path, body, headers)
            status, response_headers = await _head_of(reader)
            answer = HttpResponse(
                status, response_headers, await _body_of(reader, status, response_headers)
            )
        except BaseException:
            self.close()
            raise
        if response_headers.get("connection") == "close":
            self.close()
        self._used = time.monotonic()
        return answer

    async def events(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Yield server-sent events as JSON until the stream ends.

        Raises OSError or EOFError when the connection breaks, ValueError for a status other than
        200.
        """
        try:
            reader = await self._send("GET", path, None, "")
            status, _ = await _head_of(reader)
            if status != 200:
                raise ValueError(f"A stream was answered {status}.")
            async for line in _lines_of_chunks(reader):
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _send(
        self, method: str, path: str, body: object, headers: str
    ) -> asyncio.StreamReader:
        if time.monotonic() - self._used > _IDLE_SECONDS:
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=_LIMIT)
        reader, writer = self._streams
        content = body if isinstance(body, bytes) else b"" if body is None else _encoded(body)
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{headers}"
        if body is not None:
            kind = "octet-stream" if isinstance(body, bytes) else "json"
            if "content-type:" not in headers.lower():
                head += f"Content-Type: application/{kind}\r\n"
            head += f"Content-Length: {len(content)}\r\n"
        writer.write(head.encode("latin-1") + b"\r\n" + content)
        await writer.drain()
        return reader


def _encoded(body: object) -> bytes:
    return json.dumps(body).encode()


async def _head_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return int(head[0].split(" ", 2)[1]), headers


async def _body_of(reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]) -> bytes:
    if status in (204, 304):
        return b""
    if headers.get("transfer-encoding") == "chunked":
        return b"".join([chunk async for chunk in _chunks(reader)])
    return await reader.readexactly(int(headers.get("content-length", "0")))


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        chunk = await reader.readexactly(size + 2)
        yield chunk[:-2]
    await reader.readuntil(b"\r\n")


async def _lines_of_chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in _chunks(reader):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
