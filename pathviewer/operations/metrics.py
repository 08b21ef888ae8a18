"""Prometheus metrics of the program; no label names a person or a slide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pathviewer.auth.guard import Picture
    from pathviewer.auth.identity import Identity

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WRITE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_ROUTE = "other"
"""Label of requests without a route of ours, such as Gradio's, and of unusual methods. It bounds
the number of labels."""


@dataclass
class TileCounts:
    """Counts of answered tiles; plain integers, since a second may bring tens of thousands."""

    raw: int = 0
    """Sent as stored by the scanner."""
    transcoded: int = 0
    """Decoded and re-encoded by a reader."""
    refused: int = 0
    """Answered with an error."""


class Metrics:
    """Metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tiles = TileCounts()
        self._requests = Counter(
            "pathviewer_requests",
            "Requests by route, except tiles and requests that the guard refused.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "pathviewer_request_seconds",
            "Seconds until the response began.",
            ("route",),
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._writes = Histogram(
            "pathviewer_database_write_seconds",
            "Seconds of a write transaction, including the wait for the lock and the commit.",
            ("result",),
            buckets=WRITE_BUCKETS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        self._live = _Live(self.tiles)
        self.registry.register(self._live)

    def note_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        method = method if method in METHODS else OTHER_ROUTE
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def note_write(self, seconds: float, saved: bool) -> None:
        """Record an ended transaction."""
        self._writes.labels("saved" if saved else "failed").observe(seconds)

    def register_gauge(
        self, name: str, meaning: str, value: Callable[[], Mapping[str, float]]
    ) -> None:
        """Register a gauge; `value` is called at each scrape and returns values by label `kind`."""
        self._live.values.append((name, meaning, value))


class _Live(Collector):
    """Values read at scrape time, without counting in between."""

    def __init__(self, tiles: TileCounts) -> None:
        self._tiles = tiles
        self.values: list[tuple[str, str, Callable[[], Mapping[str, float]]]] = []

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the gauges are not known yet when the collector is registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield all current values."""
        tiles = CounterMetricFamily("pathviewer_tiles", "Tiles by source.", labels=["source"])
        for source, count in vars(self._tiles).items():
            tiles.add_metric([source], count)
        yield tiles
        for name, meaning, value in self.values:
            family = GaugeMetricFamily(f"pathviewer_{name}", meaning, labels=["kind"])
            for kind, number in value().items():
                family.add_metric([kind], number)
            yield family


class Tiles(Protocol):
    """Direct handling of tile requests."""

    def matches(self, path: str) -> bool:
        """Return whether a path is a tile's."""

    def find_cached(self, path: str, identity: Identity) -> Picture | None:
        """Return the tile of a path if the identity may see it and it can be sent without
        waiting."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""


class CountedTiles:
    """Direct handling of tile requests, with tiles counted by source."""

    def __init__(self, tiles: Tiles, counts: TileCounts) -> None:
        self._tiles = tiles
        self._counts = counts
        self.matches = tiles.matches

    def find_cached(self, path: str, identity: Identity) -> Picture | None:
        """Return the tile as `Tiles.find_cached` does."""
        picture = self._tiles.find_cached(path, identity)
        if picture is not None:
            self._count(picture[0])
        return picture

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(message["headers"])
            await send(message)

        await self._tiles(scope, receive, counting)

    def _count(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            if name == b"x-tile-source":
                if value == b"raw":
                    self._counts.raw += 1
                else:
                    self._counts.transcoded += 1
                return
        self._counts.refused += 1


class MetricsMiddleware:
    """Counts and times an application's requests by route template."""

    def __init__(
        self, app: ASGIApp, templates: Mapping[Any, str], note: Callable[..., None]
    ) -> None:
        """Take the route templates by endpoint, and `note`, called like `Metrics.note_request`."""
        self._app = app
        self._templates = templates
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        is_noted = False

        async def noting(message: Message) -> None:
            nonlocal is_noted
            if message["type"] == "http.response.start":
                is_noted = True
                self._note_request(scope, message["status"], began)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            if not is_noted:
                self._note_request(scope, 500, began)
            raise

    def _note_request(self, scope: Scope, status: int, began: float) -> None:
        route = self._templates.get(scope.get("endpoint"), OTHER_ROUTE)
        self._note(scope["method"], route, status, time.perf_counter() - began)


def resident_bytes_of_children() -> float:
    """Return the resident bytes of child processes (model and readers). Linux only."""
    pages = 0
    for path in Path("/proc/self/task").glob("*/children"):
        for child in path.read_text().split():
            try:
                pages += int(Path(f"/proc/{child}/statm").read_text().split()[1])
            except OSError:  # the process has ended meanwhile
                continue
    return pages * 4096.0
