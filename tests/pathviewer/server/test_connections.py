"""Connections that say nothing, or too much: real sockets, real server."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from pathviewer.auth.client_addresses import client_group
from pathviewer.server.connections import BODY_PROGRESS, MOST_DISCARDED, ConnectionLimits
from tests.long_cases import long_cases
from tests.servers import serving

QUICK = ConnectionLimits(total=8, per_address=6, header_seconds=1, body_seconds=1)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
MIB = b"x" * 2**20


@dataclass
class Seen:
    """What the application saw."""

    bodies: int = 0
    """Bodies that came as a whole."""
    gone: int = 0
    """Clients that left within one."""


def app(seen: Seen) -> Starlette:
    """A page, one that reads a body, one that refuses it, and one that never ends."""

    async def read(request: Request) -> Response:
        try:
            size = len(await request.body())
        except ClientDisconnect:
            seen.gone += 1
            raise
        seen.bodies += 1
        return PlainTextResponse(str(size))

    async def ticks() -> Iterator[str]:  # type: ignore[misc]
        import anyio

        while True:
            yield "tick\n"
            await anyio.sleep(0.1)

    async def much() -> Iterator[bytes]:  # type: ignore[misc]
        for _ in range(256):
            yield MIB

    return Starlette(
        routes=[
            Route("/", lambda _: PlainTextResponse("page")),
            Route("/read", read, methods=["POST"]),
            Route("/refuse", lambda _: PlainTextResponse("no", 413), methods=["POST"]),
            Route("/ticks", lambda _: StreamingResponse(ticks())),
            Route("/much", lambda _: StreamingResponse(much())),
        ]
    )


@contextmanager
def served(limits: ConnectionLimits = QUICK, seen: Seen | None = None) -> Iterator[int]:
    """The application under these limits; its port."""
    with serving(app(seen or Seen()), limits=limits) as base:
        yield int(base.rpartition(":")[2])


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def rest(connection: socket.socket) -> bytes:
    """What comes until the server ends the connection."""
    told = b""
    try:
        while chunk := connection.recv(65_536):
            told += chunk
    except ConnectionError:
        pass
    return told


def answer(connection: socket.socket) -> bytes:
    """The next piece of an answer."""
    return connection.recv(65_536)


def test_a_connection_that_says_nothing_is_closed() -> None:
    with served() as port, connected(port) as silent:
        assert rest(silent) == b""


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        *long_cases(b"G", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 9),
    ],
)
def test_headers_that_do_not_end_are_given_up(beginning: bytes) -> None:
    with served() as port, connected(port) as slow:
        slow.sendall(beginning)
        told = rest(slow)
    # a single letter is no request yet
    assert told.startswith(b"HTTP/1.1 408 ") or (told == b"" and len(beginning) == 1)


def test_a_header_now_and_then_does_not_help() -> None:
    with served() as port, connected(port) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(OSError):
            while True:
                slow.sendall(b"a: b\r\n")
                time.sleep(0.1)


@pytest.mark.parametrize("ending", [b"GET", *long_cases(b"\r\n", b"\r\n\r\n\r\n")])
def test_an_answered_connection_is_closed_when_it_says_no_more(ending: bytes) -> None:
    with served() as port, connected(port) as kept:
        kept.sendall(GET)
        assert b"200 OK" in answer(kept)
        kept.sendall(ending)  # ends the keep-alive timer, and is no request
        assert b"200" not in rest(kept)


@pytest.mark.parametrize(
    "head", [b"Content-Length: 100", *long_cases(b"Transfer-Encoding: chunked")]
)
def test_a_body_that_does_not_come_is_given_up(head: bytes) -> None:
    seen = Seen()
    with served(seen=seen) as port, connected(port) as slow:
        slow.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        assert b"200" not in rest(slow)
    assert (seen.bodies, seen.gone) == (0, 1)


def test_a_slow_honest_upload_lives() -> None:
    pieces = 6
    with served() as port, connected(port) as slow:
        length = pieces * BODY_PROGRESS
        slow.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
        for _ in range(pieces):
            time.sleep(0.5)  # three times as long as a body may say nothing, in all
            slow.sendall(b"x" * BODY_PROGRESS)
        assert b"200 OK" in answer(slow)


def test_a_stream_lives() -> None:
    with served() as port, connected(port) as hearing:
        hearing.sendall(GET.replace(b"/ ", b"/ticks "))
        until = time.monotonic() + 3 * QUICK.body_seconds
        while time.monotonic() < until:
            assert answer(hearing)


def test_a_client_that_reads_nothing_is_given_up() -> None:
    with served() as port, connected(port) as deaf:
        deaf.sendall(GET.replace(b"/ ", b"/much "))
        time.sleep(4 * QUICK.body_seconds)
        assert len(rest(deaf)) < 256 * len(MIB)


def test_a_refused_body_does_not_cost_the_connection() -> None:
    with served() as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.post("/refuse", content=MIB * 4).status_code == 413
        assert client.get("/").text == "page"


def test_a_refused_body_without_an_end_is_cut_off() -> None:
    with served() as port, connected(port) as endless:
        endless.sendall(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n")
        with pytest.raises(OSError):
            for _ in range(8 * MOST_DISCARDED // len(MIB)):
                endless.sendall(MIB)


@pytest.mark.parametrize(
    "head",
    [
        b"a: " + b"x" * 70_000 + b"\r\n",
        b"a: b\r\n" * 20_000,
        b"",  # the request line itself
    ],
)
def test_headers_that_are_too_large_are_refused(head: bytes) -> None:
    line = b"GET / HTTP/1.1\r\n" if head else b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n"
    with served() as port, connected(port) as large:
        try:
            large.sendall(line + head + b"\r\n")
            told = rest(large)
        except ConnectionError:
            told = b"HTTP/1.1 431 "  # ended while it was sent
    assert told.startswith(b"HTTP/1.1 431 ") or told == b""


@pytest.mark.parametrize(
    "request_line",
    [b"GET / HTTP/9.9", b"NONSENSE", b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000],
)
def test_what_is_no_request_is_refused_in_the_one_shape(request_line: bytes) -> None:
    with served() as port, connected(port) as odd:
        odd.sendall(request_line + b"\r\nHost: x\r\n\r\n")
        told = rest(odd)
    assert told.startswith(b"HTTP/1.1 400 ")
    assert b'{"error": {"code": "bad_request"' in told


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (b"http://x:81/read?a", b"x:81", b"405"),  # the path behind it is believed
        (b"http://x", b"x", b"200"),
        (b"http://x/", b"evil.example", b"400"),
        (b"http://evil.example/", b"x", b"400"),
        (b"https://evil.example/", b"x", b"400"),
        (b"evil.example:443", b"x", b"400"),
    ],
)
def test_a_target_that_names_a_server_names_this_one(
    target: bytes, host: bytes, status: bytes
) -> None:
    with served() as port, connected(port) as client:
        client.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert answer(client).startswith(b"HTTP/1.1 " + status)


def test_an_upgrade_is_not_taken_and_the_connection_ends() -> None:
    upgrade = b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    with served() as port, connected(port) as client:
        client.sendall(GET[:-2] + upgrade)
        told = rest(client)
    assert told.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in told


def test_the_connection_that_is_idle_longest_gives_way(caplog: pytest.LogCaptureFixture) -> None:
    limits = replace(QUICK, header_seconds=30, keep_alive_seconds=30)
    with served(limits) as port, ExitStack() as stack:
        idle = [stack.enter_context(connected(port)) for _ in range(limits.per_address)]
        time.sleep(2.5)  # for the server to have looked who is idle
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            assert client.get("/").text == "page"
        assert rest(idle[0]) == b""
        idle[-1].sendall(GET)
        assert b"200 OK" in answer(idle[-1])


def test_where_none_is_idle_a_new_connection_is_refused_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with served() as port, ExitStack() as stack, caplog.at_level(logging.WARNING):
        for _ in range(QUICK.per_address):
            hearing = stack.enter_context(connected(port))
            hearing.sendall(GET.replace(b"/ ", b"/ticks "))
            assert b"200 OK" in answer(hearing)
        for _ in range(20):
            with connected(port) as refused:
                assert rest(refused).startswith(b"HTTP/1.1 503 ")
    said = [record for record in caplog.records if "Connections" in record.message]
    assert len(said) == 1
    assert "too many from one address" in said[0].message


def test_connections_of_a_proxy_are_bounded_in_all_alone() -> None:
    limits = replace(QUICK, per_address=1, is_proxy=lambda address: address == "127.0.0.1")
    with served(limits) as port, ExitStack() as stack:
        for _ in range(limits.total):
            hearing = stack.enter_context(connected(port))
            hearing.sendall(GET.replace(b"/ ", b"/ticks "))
            assert b"200 OK" in answer(hearing)
        with connected(port) as refused:
            assert rest(refused).startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),  # the same client
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_which_addresses_are_one_client(address: str, group: str) -> None:
    assert client_group(address) == group
