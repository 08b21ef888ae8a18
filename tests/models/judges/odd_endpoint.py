"""An endpoint over real HTTP whose every answer the test decides, down to the bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

Body = dict[str, Any]


class OddEndpoint(ThreadingHTTPServer):
    """Keeps what it was asked; `answer` writes the answer to each request."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Handler, Body], None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.asked: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.closing = Event()

    @property
    def url(self) -> str:
        """Base of the API."""
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: OddEndpoint

    def do_POST(self) -> None:
        """Read the request, keep it, and answer."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(body)
        self.server.headers.append({k.lower(): v for k, v in self.headers.items()})
        self.server.answer(self, body)

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def reply(self, payload: bytes, status: int = 200, **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def cut_off(self, payload: bytes) -> None:
        """An answer whose second half never comes."""
        self.send_response(200)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload[: len(payload) // 2])
        self.close_connection = True

    def dribble(self, payload: bytes) -> None:
        """An answer that comes, byte by byte, for ever."""
        self.send_response(200)
        self.end_headers()
        for byte in payload:
            if self.server.closing.is_set():
                return
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return
            time.sleep(0.05)


@contextmanager
def odd_endpoint(answer: Callable[[Handler, Body], None]) -> Iterator[OddEndpoint]:
    """The server in a thread, on a free port."""
    server = OddEndpoint(answer)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()


def chat(content: str | None, finish: str = "stop", **usage: int) -> bytes:
    """A chat completion."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"choices": [choice]} | ({"usage": usage} if usage else {})).encode()
