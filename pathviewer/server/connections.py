"""Limits on open connections: how many, and how long one may stay silent.

uvicorn limits neither the number of connections nor the time a client takes to send a request. Its
`limit_concurrency` answers 503 to every client at the limit; here the connection that has been idle
longest is closed instead.
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
from pathviewer.server import user_messages

if TYPE_CHECKING:
    from pathviewer.settings import Settings

log = logging.getLogger("pathviewer")

LOOK_SECONDS = 1.0
"""Interval of the timeout checks, s."""
LOG_SECONDS = 60.0
"""Shortest interval between log lines about connections, s."""
SILENT = "silent"
NOTABLE_SILENT = 20
"""Number of silent connections worth a log line."""
BODY_PROGRESS = 16 * 1024
"""Body bytes that keep a slow connection open for another `body_seconds`."""
MOST_DISCARDED = 16 * 2**20
"""Body bytes that are read and dropped after the response, so that the client receives it."""
MOST_HEADER_BYTES = 64 * 1024
"""Most bytes of request line and headers."""


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of one server's connections."""

    total: int = 2000
    """Open connections."""

    per_address: int = 1000
    """Open connections of one client, as grouped by `client_group`."""

    header_seconds: float = 15
    """Seconds to send the request line and headers, also for a new connection's first request."""

    body_seconds: float = 30
    """Seconds in which a body must end or bring `BODY_PROGRESS` bytes."""

    keep_alive_seconds: int = 5
    """Seconds that a connection stays open after a response."""

    is_proxy: Callable[[str], bool] = lambda _address: False
    """Whether an address belongs to a reverse proxy, which serves many clients."""

    @classmethod
    def from_settings(cls, settings: Settings) -> ConnectionLimits:
        """Return the limits of a run; raises AccessError for an invalid proxy address."""
        return cls(
            settings.connection_limit,
            settings.connections_per_address,
            settings.header_seconds,
            settings.body_seconds,
            settings.keep_alive_seconds,
            TrustedProxies(settings).trusts,
        )

    def protocol(self) -> Any:
        """Return the value of uvicorn's `http` setting: a factory of one protocol per
        connection."""
        return partial(BoundedHttp, Connections(self))


class Connections:
    """All open connections of one server; used from its event loop."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: dict[BoundedHttp, str] = {}
        self._counts = Counter[str]()
        self._idle: deque[BoundedHttp] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = Counter[str]()
        self._said = float("-inf")

    def admit(self, connection: BoundedHttp) -> bool:
        """Admit a new connection, closing an idle one if necessary; False if there is no room."""
        address = connection.client[0] if connection.client else ""
        group = "" if self.limits.is_proxy(address) else client_group(address)
        if group and self._counts[group] >= self.limits.per_address and not self._evict(group):
            self.note("refused: too many from one address")
            return False
        if len(self._open) >= self.limits.total and not self._evict(None):
            self.note("refused: too many in total")
            return False
        self._open[connection] = group
        self._counts[group] += 1
        if self._timer is None:
            self._timer = connection.loop.call_later(
                LOOK_SECONDS, self._check_timeouts, connection.loop
            )
        return True

    def drop(self, connection: BoundedHttp) -> None:
        """Forget a closed connection."""
        group = self._open.pop(connection, None)
        if group is not None:
            self._counts[group] -= 1
            if not self._counts[group]:
                del self._counts[group]

    def note(self, reason: str) -> None:
        """Count a closed or refused connection for the log."""
        self._closed[reason] += 1
        self._log_closed()

    def _evict(self, group: str | None) -> bool:
        """Close the connection that has been idle longest, of one client group if given."""
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
        """Close connections that time out; repeats while any is open."""
        now = loop.time()
        for connection in list(self._open):
            connection.check_timeout(now)
        idle = [connection for connection in self._open if connection.is_idle()]
        self._idle = deque(sorted(idle, key=lambda one: one.since))
        self._log_closed()
        again = self._open or self._is_news()
        self._timer = loop.call_later(LOOK_SECONDS, self._check_timeouts, loop) if again else None

    def _is_news(self) -> bool:
        """Return whether there is something to log.

        A few silent connections are normal: browsers open some in advance.
        """
        return (
            self._closed.total() - self._closed[SILENT] > 0
            or self._closed[SILENT] >= NOTABLE_SILENT
        )

    def _log_closed(self) -> None:
        if not self._is_news() or time.monotonic() - self._said < LOG_SECONDS:
            return
        self._said = time.monotonic()
        counts = ", ".join(f"{count} {reason}" for reason, count in self._closed.most_common())
        log.warning("Connections closed: %s. %d are open.", counts, len(self._open))
        self._closed.clear()


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol with limits on silence, on headers and on data after a response."""

    def __init__(self, registry: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._registry = registry
        self._limits = registry.limits
        self.timeout_keep_alive = registry.limits.keep_alive_seconds
        self.since = self.loop.time()
        """Start of the current phase, on the event loop's clock."""
        self._phase: tuple[str, int] = ("idle", 0)
        self._requests = 0
        self._in_headers = False
        self._in_message = False
        self._received = 0  # bytes, in all
        self._marked = 0  # value of `_received` when the phase began or last made progress
        self._header_bytes = 0  # in earlier chunks
        self._last_bytes = 0  # in the current chunk
        self._answered_at: int | None = None  # bytes received when the response was complete
        self._unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the connection, or answer that there is no room."""
        super().connection_made(transport)
        if not self._registry.admit(self):
            self.refuse(503, "too_many_connections", user_messages.TOO_MANY_CONNECTIONS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._registry.drop(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes as uvicorn does, with our own handling of malformed requests."""
        self._unset_keepalive_if_required()
        self._last_bytes = len(data)
        self._received += self._last_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no other protocol is supported: the request is answered as plain HTTP
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
        """Note the start of a request."""
        super().on_message_begin()
        self._in_message = self._in_headers = True
        self._header_bytes = 0
        self._requests += 1

    def on_headers_complete(self) -> None:
        """Check the request line and headers, and start to answer."""
        self._in_headers = False
        if self._header_bytes + self._last_bytes > MOST_HEADER_BYTES:  # may include body bytes
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > MOST_HEADER_BYTES:
                self._refuse_headers()
                return
        if not self.url.startswith(b"/"):
            self.url = origin_form(self.url, self.headers)
        self._answered_at = None
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser reads nothing more from this connection

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        self._in_message = False
        super().on_message_complete()

    def _should_upgrade(self) -> bool:
        return False

    def is_idle(self) -> bool:
        """Return whether no request is being answered, so that the connection may be closed."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return not answering

    def check_timeout(self, now: float) -> None:
        """Close the connection if it has been silent for too long; `now` is on the loop's clock."""
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
        """Abort a body that makes no progress; keep waiting if our side has paused reading."""
        progress = self._received - self._marked >= BODY_PROGRESS
        ours = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if not self.cycle.response_complete and (progress or ours):
            self.since, self._marked = now, self._received
        else:
            self._registry.note("too slow to send a body")
            self.transport.abort()

    def _look_at_answer(self, now: float) -> None:
        """Abort a response that the client does not read."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self.since, self._unsent = now, unsent
        elif now - self.since >= self._limits.body_seconds:
            self._registry.note("too slow to read an answer")
            self.transport.abort()

    def _discard(self) -> None:
        """Drop bytes after the response; abort the connection beyond `MOST_DISCARDED`."""
        if self._answered_at is None:
            self._answered_at = self._received
        elif self._received - self._answered_at > MOST_DISCARDED:
            self._registry.note("sending on after the answer")
            self.transport.abort()

    def _time_out(self, phase: str) -> None:
        self._registry.note(SILENT if phase == "idle" else "too slow to send headers")
        if phase == "headers":
            self.refuse(408, "too_slow", user_messages.REQUEST_TOO_SLOW)
        else:
            self.transport.close()

    def _refuse_headers(self) -> None:
        self._registry.note("with too large headers")
        self.refuse(431, "too_large", user_messages.HEADERS_TOO_LARGE)

    def _refuse_malformed(self) -> None:
        if not self.transport.is_closing():
            self._registry.note("with a malformed request")
            self.refuse(400, "bad_request", user_messages.REQUEST_MALFORMED)

    def refuse(self, status: int, code: str, message: str) -> None:
        """Send an error in our JSON shape without the application, and close."""
        if self.transport.is_closing():
            return
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        head = (
            b"content-type: application/json\r\ncache-control: no-store\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        # a response that has already begun is cut off instead
        begun = self.cycle is not None and self.cycle.response_started
        if not self.pipeline and not (begun and not self.cycle.response_complete):
            self.transport.write(STATUS_LINE[HTTPStatus(status)] + head + body)
        self.transport.close()


def origin_form(target: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return path and query of a request target in absolute form.

    Raises HttpParserError unless its host equals the Host header, so that a reverse proxy and this
    program cannot disagree on the host.
    """
    parsed = httptools.parse_url(target)
    if parsed.host is None:
        return target
    port = b":%d" % parsed.port if parsed.port else b""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or parse_authority(hosts[0]) != parse_authority(parsed.host + port):
        raise httptools.HttpParserError(user_messages.HOSTS_DIFFER)
    path = parsed.path or b"/"
    return path + b"?" + parsed.query if parsed.query else path
