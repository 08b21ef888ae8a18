"""Open connections: how many there may be, and how long one may say nothing.

uvicorn bounds neither the number of its connections nor the time that a client takes to send a
request. `limit_concurrency` answers 503 to everybody once the bound is reached; here the connection
that has been idle longest gives way instead.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from pathviewer.auth.client_addresses import client_group
from pathviewer.auth.hosts import parse_authority
from pathviewer.auth.proxy import TrustedProxies

if TYPE_CHECKING:
    from pathviewer.settings import Settings

log = logging.getLogger("pathviewer")

LOOK_SECONDS = 1.0
"""How often it is looked which connections have said nothing for too long."""
LOG_SECONDS = 60.0
"""The log has at most one line on connections in this time."""
SILENT = "silent"
NOTABLE_SILENT = 20
"""Silent connections that are worth a line in the log."""
BODY_PROGRESS = 16 * 1024
"""Bytes of a body that keep a slow connection open for another `body_seconds`."""
MOST_DISCARDED = 16 * 2**20
"""Bytes of a body that are read and dropped after the answer, so that the client hears it."""
MOST_HEADER_BYTES = 64 * 1024
"""Bytes of the request line and the headers."""


@dataclass(frozen=True)
class ConnectionLimits:
    """What a connection may do."""

    total: int = 2000
    """Open connections."""

    per_address: int = 1000
    """Open connections of one client, as `client_group` has it."""

    header_seconds: float = 15
    """Time to send the request line and the headers, and for a new connection to begin."""

    body_seconds: float = 30
    """Time in which a body has to end or to bring `BODY_PROGRESS` bytes."""

    keep_alive_seconds: int = 5
    """Time that a connection stays open after an answer."""

    is_proxy: Callable[[str], bool] = lambda _address: False
    """Whether an address is a reverse proxy's, behind which are many clients."""

    @classmethod
    def from_settings(cls, settings: Settings) -> ConnectionLimits:
        """Those of a run; raises AccessError for a proxy's address that is none."""
        return cls(
            settings.connection_limit,
            settings.connections_per_address,
            settings.header_seconds,
            settings.body_seconds,
            settings.keep_alive_seconds,
            TrustedProxies(settings).trusts,
        )

    def protocol(self) -> Any:
        """What uvicorn takes for its setting `http`: it makes a protocol for each connection."""
        return partial(BoundedHttp, Connections(self))


class Connections:
    """Every open connection of one server; used from its event loop."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: dict[BoundedHttp, str] = {}
        self._counts = Counter[str]()
        self._idle: deque[BoundedHttp] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = Counter[str]()
        self._said = float("-inf")

    def admit(self, connection: BoundedHttp) -> bool:
        """Take in a new connection, if need be for an idle one; False where there is no room."""
        address = connection.client[0] if connection.client else ""
        group = "" if self.limits.is_proxy(address) else client_group(address)
        if group and self._counts[group] >= self.limits.per_address and not self._evict(group):
            self.note("refused: too many from one address")
            return False
        if len(self._open) >= self.limits.total and not self._evict(None):
            self.note("refused: too many in all")
            return False
        self._open[connection] = group
        self._counts[group] += 1
        if self._timer is None:
            self._timer = connection.loop.call_later(
                LOOK_SECONDS, self._check_timeouts, connection.loop
            )
        return True

    def drop(self, connection: BoundedHttp) -> None:
        """Forget a connection that has ended."""
        group = self._open.pop(connection, None)
        if group is not None:
            self._counts[group] -= 1
            if not self._counts[group]:
                del self._counts[group]

    def note(self, reason: str) -> None:
        """Count a connection that was closed or refused, for the log."""
        self._closed[reason] += 1
        self._log_closed()

    def _evict(self, group: str | None) -> bool:
        """Close the connection, of a client if one is given, that has been idle longest."""
        for connection in list(self._idle):
            if self._open.get(connection) is None or not connection.is_idle():
                self._idle.remove(connection)
            elif group is None or self._open[connection] == group:
                self._idle.remove(connection)
                self.note("idle, closed for a new one")
                connection.transport.abort()
                self.drop(connection)
                return True
        return False

    def _check_timeouts(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what has said nothing for too long; again as long as any is open."""
        now = loop.time()
        for connection in list(self._open):
            connection.check_timeout(now)
        idle = [connection for connection in self._open if connection.is_idle()]
        self._idle = deque(sorted(idle, key=lambda one: one.since))
        self._log_closed()
        again = self._open or self._is_news()
        self._timer = loop.call_later(LOOK_SECONDS, self._check_timeouts, loop) if again else None

    def _is_news(self) -> bool:
        """Browsers open a connection in advance now and then and say nothing on it."""
        return (
            self._closed.total() - self._closed[SILENT] > 0
            or self._closed[SILENT] >= NOTABLE_SILENT
        )

    def _log_closed(self) -> None:
        if not self._is_news() or time.monotonic() - self._said < LOG_SECONDS:
            return
        self._said = time.monotonic()
        counts = ", ".join(f"{count} {reason}" for reason, count in self._closed.most_common())
        log.warning("Connections that were ended: %s. %d are open.", counts, len(self._open))
        self._closed.clear()


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol with bounds on silence, on headers and on what is sent after an answer."""

    def __init__(self, registry: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._registry = registry
        self._limits = registry.limits
        self.timeout_keep_alive = registry.limits.keep_alive_seconds
        self.since = self.loop.time()
        """When its present phase began; a reading of the loop's clock."""
        self._phase: tuple[str, int] = ("idle", 0)
        self._requests = 0
        self._in_headers = False
        self._in_message = False
        self._received = 0  # bytes, in all
        self._marked = 0  # of them when the phase began, or its last progress was seen
        self._header_bytes = 0  # of earlier pieces
        self._last_bytes = 0  # of the present piece
        self._answered_at: int | None = None  # bytes received when the answer was complete
        self._unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection in, or answer that there is no room."""
        super().connection_made(transport)
        if not self._registry.admit(self):
            self.refuse(503, "too_many_connections", "Too many connections are open. Try again.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._registry.drop(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; as uvicorn does, but for what is wrong with it."""
        self._unset_keepalive_if_required()
        self._last_bytes = len(data)
        self._received += self._last_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no other protocol is spoken: it is answered as if it had not been asked for
        except httptools.HttpParserError:
            self._refuse_malformed()
            return
        if self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > MOST_HEADER_BYTES:
                self._refuse_headers()
        elif self._in_message and self.cycle.response_complete:
            self._discard()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_message = self._in_headers = True
        self._header_bytes = 0
        self._requests += 1

    def on_headers_complete(self) -> None:
        """Check the request line and headers, and begin to answer."""
        self._in_headers = False
        if self._header_bytes + self._last_bytes > MOST_HEADER_BYTES:  # a body may be in it
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > MOST_HEADER_BYTES:
                self._refuse_headers()
                return
        if not self.url.startswith(b"/"):
            self.url = origin_form(self.url, self.headers)
        self._answered_at = None
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser reads nothing more of this connection

    def on_message_complete(self) -> None:
        """A request has ended."""
        self._in_message = False
        super().on_message_complete()

    def _should_upgrade(self) -> bool:
        return False

    def is_idle(self) -> bool:
        """Whether no request of it is being answered, so that it may be closed."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return not answering

    def check_timeout(self, now: float) -> None:
        """Close it if it has said nothing for too long; `now` is of the loop's clock."""
        phase = (self._phase_name(), self._requests)
        if phase != self._phase:
            self._phase, self.since, self._marked = phase, now, self._received
            return
        name, waiting_seconds = phase[0], now - self.since
        if name in ("idle", "headers"):
            if waiting_seconds >= self._limits.header_seconds:
                self._time_out(name)
        elif name == "closing":
            if waiting_seconds >= self._limits.body_seconds:
                self.transport.abort()
        elif name == "answer":
            self._look_at_answer(now)
        elif waiting_seconds >= self._limits.body_seconds:
            self._look_at_body(now)

    def _phase_name(self) -> str:
        if self.transport.is_closing():
            return "closing"
        if self._in_headers:
            return "headers"
        if self.cycle is None or (self.cycle.response_complete and not self._in_message):
            return "idle"
        return "body" if self._in_message else "answer"

    def _look_at_body(self, now: float) -> None:
        """End a body that does not come; where it is the program that does not read, wait."""
        progress = self._received - self._marked >= BODY_PROGRESS
        ours = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if not self.cycle.response_complete and (progress or ours):
            self.since, self._marked = now, self._received
        else:
            self._registry.note("too slow with a body")
            self.transport.abort()

    def _look_at_answer(self, now: float) -> None:
        """End an answer that nobody reads."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self.since, self._unsent = now, unsent
        elif now - self.since >= self._limits.body_seconds:
            self._registry.note("too slow to read an answer")
            self.transport.abort()

    def _discard(self) -> None:
        """Drop what comes after the answer; end the connection where that does not end."""
        if self._answered_at is None:
            self._answered_at = self._received
        elif self._received - self._answered_at > MOST_DISCARDED:
            self._registry.note("sending on after the answer")
            self.transport.abort()

    def _time_out(self, phase: str) -> None:
        self._registry.note(SILENT if phase == "idle" else "too slow with headers")
        if phase == "headers":
            self.refuse(408, "too_slow", "The request took too long to arrive. Send it again.")
        else:
            self.transport.close()

    def _refuse_headers(self) -> None:
        self._registry.note("with headers that are too large")
        self.refuse(431, "too_large", "The headers of this request are too large.")

    def _refuse_malformed(self) -> None:
        if not self.transport.is_closing():
            self._registry.note("with a malformed request")
            self.refuse(400, "bad_request", "This is no HTTP request that can be understood.")

    def refuse(self, status: int, code: str, message: str) -> None:
        """Answer from outside the application, in its one shape, and close."""
        if self.transport.is_closing():
            return
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        head = (
            b"content-type: application/json\r\ncache-control: no-store\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        # an answer that has begun is cut off instead
        begun = self.cycle is not None and self.cycle.response_started
        if not self.pipeline and not (begun and not self.cycle.response_complete):
            self.transport.write(STATUS_LINE[HTTPStatus(status)] + head + body)
        self.transport.close()


def origin_form(target: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Path and query of a request target that names a server too.

    Raises HttpParserError unless that is the server that the Host header names: which one of the
    two a reverse proxy or the program believes must not matter.
    """
    parsed = httptools.parse_url(target)
    if parsed.host is None:
        return target
    port = b":%d" % parsed.port if parsed.port else b""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or parse_authority(hosts[0]) != parse_authority(parsed.host + port):
        raise httptools.HttpParserError("The request target and the Host header differ.")
    path = parsed.path or b"/"
    return path + b"?" + parsed.query if parsed.query else path
