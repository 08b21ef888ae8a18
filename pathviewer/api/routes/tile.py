"""Route `GET /api/slides/{id}/tiles/{level}/{column}/{row}`, a bare ASGI app for speed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pathviewer.api.responses import error_to_response, not_allowed, not_found
from pathviewer.auth.identity import Identity, require
from pathviewer.auth.roles import Action, allows
from pathviewer.common.errors import UserError
from pathviewer.common.work_queue import (
    AccountBounds,
    Client,
    ClientGone,
    WorkKind,
    while_connected,
)
from pathviewer.slides.errors import SlideError
from storage.errors import StorageError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.slides.slide_pool import SlidePool

_PREFIX = "/api/slides/"
_TILES = "/tiles/"
_MOST_DIGITS = 27
_JPEG = (b"content-type", b"image/jpeg")
_CACHED = (b"cache-control", b"private, max-age=3600")
_VARY = (b"vary", b"Cookie")
_RAW = (_JPEG, (b"x-tile-source", b"raw"), _CACHED, _VARY)
_TRANSCODED = (_JPEG, (b"x-tile-source", b"transcoded"), _CACHED, _VARY)
_DAMAGED = (
    *(_JPEG, (b"x-tile-source", b"transcoded"), (b"x-tile-damaged", b"1")),
    *((b"cache-control", b"no-store"), _VARY),
)
_METHODS = frozenset({"GET", "HEAD"})

TileAddress = tuple[str, int, int, int]
"""Slide id, level, column, row."""

Headers = tuple[tuple[bytes, bytes], ...]

TileResponse = tuple[Headers, bytes | bytearray]
"""Headers and body."""


class TileRoute:
    """Serves tiles of the slides in a pool.

    Tiles in memory are sent directly from the event loop. Other tiles come from a disk or a
    reader; concurrent requests for a tile share one load, which is cancelled when none waits.
    """

    def __init__(
        self, pool: SlidePool, openings: SlideAccessLog, bounds: AccountBounds | None = None
    ) -> None:
        """`bounds` limits the tiles that an account waits for; None: no limit."""
        self._bounds = bounds or AccountBounds({})
        self._pool = pool
        self._openings = openings

    def matches(self, path: str) -> bool:
        """Whether this route serves the path."""
        return path.startswith(_PREFIX) and _TILES in path

    def find_cached(self, path: str, identity: Identity) -> TileResponse | None:
        """Return a path's tile if it is in memory, including the system's, and may be viewed.

        `None` otherwise, also for slide errors and for an account's first view of a slide: the
        full route then reports the error and writes the audit entry.
        """
        if not path.startswith(_PREFIX) or not allows(identity.role, Action.view_slides):
            return None
        place = _parse_path(path)
        if place is None or not self._openings.is_logged(identity, place[0]):
            return None
        try:
            return self._cached_tile(place)
        except SlideError:
            return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that passed the guard."""
        method, path = scope["method"], scope["path"]
        if method not in _METHODS:
            await not_allowed(method, _METHODS)(scope, receive, send)
            return
        try:
            identity, place = require(scope, Action.view_slides), _parse_path(path)
            if place is None:
                await not_found(path)(scope, receive, send)
                return
            answer = self._cached_tile(place)
            if answer is None:
                work = partial(self._load_tile, place, identity.bound_key)
                with self._bounds.slot(identity.bound_key, WorkKind.tile):
                    answer = await while_connected(Client(receive), work)
            await self._openings.log_view(identity, place[0])
        except ClientGone:
            return
        except (UserError, StorageError) as error:
            await error_to_response(error)(scope, receive, send)
            return
        headers, jpeg = answer
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": jpeg if method == "GET" else b""})

    def _cached_tile(self, place: TileAddress) -> TileResponse | None:
        """Return a tile that is in memory, including the system's; else `None`."""
        slide_id, level, column, row = place
        source = self._pool.peek(slide_id)
        if source is None:
            return None
        jpeg: bytes | bytearray | None = source.warm_raw(level, column, row)
        kind = _RAW
        if jpeg is None:
            jpeg, kind = source.warm_made(level, column, row), _TRANSCODED
        if jpeg is None:
            return None
        return _with_length(kind, jpeg)

    async def _load_tile(self, place: TileAddress, requester: str) -> TileResponse:
        """Load a tile from a disk or a reader."""
        slide_id, level, column, row = place
        slide = await self._pool.open(slide_id, requester)
        tile = await slide.tile(level, column, row, requester)
        kind = _RAW if tile.source == "raw" else _DAMAGED if tile.damaged else _TRANSCODED
        return _with_length(kind, tile.jpeg)


def _with_length(kind: Headers, jpeg: bytes | bytearray) -> TileResponse:
    return (*kind, (b"content-length", b"%d" % len(jpeg))), jpeg


def _parse_path(path: str) -> TileAddress | None:
    """Parse a tile's path; `None` if it is not one. Numbers have ASCII digits only."""
    parts = path.split("/")
    if len(parts) != 8 or parts[4] != "tiles":
        return None
    _, _, _, slide_id, _, level, column, row = parts
    digits = level + column + row
    if not (level and column and row and digits.isdigit() and digits.isascii()):
        return None
    return (slide_id, int(level), int(column), int(row)) if len(digits) <= _MOST_DIGITS else None
