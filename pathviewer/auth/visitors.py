"""Visitors of a public demo: each browser tab is one, with a name that it made up.

A Space's page is in a frame of another site, where browsers keep no cookies. The name therefore
comes in our own header, or in the query where a browser sends no headers (events, pictures,
reports). Names are not stored: the account id is derived from the name. Only a visitor who does
more than look begins a visit, with a stored account that counts against the limit of visits.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import anyio

from pathviewer.auth import user_messages
from pathviewer.auth.identity import VISITOR, Identity
from pathviewer.auth.roles import Role
from pathviewer.common.work_queue import WRITES
from storage.accounts.store import add_visitor, delete_visitor
from storage.errors import StorageError

if TYPE_CHECKING:
    from storage.database import Database

HEADER = b"x-pathviewer-visitor"
QUERY = b"visitor="
VISIT_SECONDS = 3600.0
MOST_VISITS = 2_000
"""Most simultaneous visits; further visitors may look, but not ask."""
_NAME = re.compile(rb"[A-Za-z0-9_-]{32,64}")
_IN_QUERY = re.compile(rb"(?:^|&)visitor=([A-Za-z0-9_-]{32,64})(?=&|$)")


class VisitError(Exception):
    """A visit cannot begin now; the message may be shown to the client."""

    code = "too_many_visitors"


@dataclass
class _Visit:
    """State of one visit."""

    last_seen: float
    """Time of the last request, monotonic clock, s."""
    stored: bool = False
    """Whether its account is in the database."""
    client: str = ""
    """Client group that began it; empty if unknown."""
    over: bool = False
    """Whether it has ended and its data are being removed."""
    requests: int = 0
    """Requests in progress."""
    lasting: bool = False
    """Whether a request was not refused, so that something may be stored."""
    removed: anyio.Event | None = None
    """Set once the account of a visit that never began is removed; None if no removal is due."""


class Visitors:
    """Current visits; may be used from any thread and never blocks on the database."""

    def __init__(self, database: Database, most_per_client: int = MOST_VISITS) -> None:
        self.seconds = VISIT_SECONDS
        """A visit ends this long after its last request, s."""
        self.most = MOST_VISITS
        """Most simultaneous visits."""
        self.most_per_client = most_per_client
        """Most simultaneous visits of one client."""
        self._database = database
        self._secret = secrets.token_bytes(32)
        self._visits: dict[str, _Visit] = {}
        self._lock = threading.Lock()

    def identify(self, name: bytes) -> Identity:
        """Return the visitor of that name, who may ask and judge; without a name, one who may
        look."""
        if not _NAME.fullmatch(name):
            return VISITOR
        account_id = self._account_id(name)
        with self._lock:
            visit = self._visits.get(account_id)
            if visit is not None and not visit.over:
                visit.last_seen = time.monotonic()
        return visitor_identity(account_id)

    def has_begun(self, account_id: str) -> bool:
        """Return whether that account has a visit."""
        with self._lock:
            visit = self._visits.get(account_id)
            return visit is not None and visit.stored

    async def begin(self, account_id: str, client: str = "") -> None:
        """Let a visitor do more than look, and begin a visit if there is none.

        `client` is the request's client group. Raises VisitError and StorageError, after which
        nothing has begun. A call of `note_answer` must follow.
        """
        visit = self._place(account_id, client)
        while visit.removed is not None:
            await visit.removed.wait()
            visit = self._place(account_id, client)
        if visit.stored:
            return
        try:
            await WRITES.run(lambda: self._store(account_id, visit), account_id)
        finally:
            self._placed(account_id, visit)

    async def note_answer(self, account_id: str, *, refused: bool) -> None:
        """Note the response to a request that began a visit.

        If all its requests were refused, the visit has not begun and its account is removed.
        """
        with self._lock:
            visit = self._visits.get(account_id)
            if visit is None:
                return
            visit.requests -= 1
            visit.lasting = visit.lasting or not refused
            if visit.lasting or visit.requests or visit.over or visit.removed is not None:
                return
            removed = visit.removed = anyio.Event()
        try:
            await WRITES.run(lambda: self._unstore(account_id, visit), account_id)
        finally:
            with self._lock:
                if visit.removed is removed:  # cancelled or failed unexpectedly: the visit lasts
                    visit.lasting, visit.removed = True, None
            removed.set()

    def list_ended(self) -> list[str]:
        """Return the accounts of ended visits, until `forget` is called for them."""
        until = time.monotonic() - self.seconds
        with self._lock:
            for visit in self._visits.values():
                visit.over = visit.over or (visit.stored and visit.last_seen < until)
            return sorted(account_id for account_id, visit in self._visits.items() if visit.over)

    def forget(self, account_id: str) -> None:
        """Forget an ended visit whose data are removed; its name may begin another one."""
        with self._lock:
            self._visits.pop(account_id, None)

    def _account_id(self, name: bytes) -> str:
        return str(UUID(bytes=hmac.digest(self._secret, name, "sha256")[:16]))

    def _place(self, account_id: str, client: str) -> _Visit:
        """Return the visit with one more request, unless it is being removed."""
        with self._lock:
            visit = self._visits.get(account_id)
            if visit is None:
                self._check_room(client)
                visit = self._visits[account_id] = _Visit(time.monotonic(), client=client)
            if visit.over:
                raise VisitError(user_messages.VISIT_ENDED)
            if visit.removed is None:
                visit.requests += 1
            return visit

    def _check_room(self, client: str) -> None:
        """Raise VisitError if there is no room."""
        if len(self._visits) >= self.most:
            raise VisitError(user_messages.TOO_MANY_VISITORS)
        same = sum(visit.client == client for visit in self._visits.values()) if client else 0
        if same >= self.most_per_client:
            raise VisitError(user_messages.TOO_MANY_VISITORS_OF_NETWORK)

    def _unstore(self, account_id: str, visit: _Visit) -> None:
        """Remove the account of a visit that has not begun; if that fails, the visit lasts."""
        try:
            with self._database.session() as session:
                delete_visitor(session, account_id)
        except StorageError:
            visit.lasting = True
        with self._lock:
            if visit.lasting:
                visit.removed = None
            elif self._visits.get(account_id) is visit:
                del self._visits[account_id]

    def _store(self, account_id: str, visit: _Visit) -> None:
        """Store the visit's account; a page's concurrent first requests may do so repeatedly."""
        with self._database.session() as session:
            add_visitor(session, account_id, Role.viewer)
        with self._lock:
            visit.stored = True
            self._visits.setdefault(account_id, visit)

    def _placed(self, account_id: str, visit: _Visit) -> None:
        """Release the visit's place if nothing was stored."""
        with self._lock:
            if not visit.stored and self._visits.get(account_id) is visit:
                del self._visits[account_id]


def visitor_identity(account_id: str) -> Identity:
    """Return the identity of a visitor's requests."""
    return Identity(account_id, "visitor", Role.viewer, visiting=True)


def visitor_name(headers: Mapping[bytes, bytes], query: bytes) -> bytes:
    """Return the visitor name of a request; empty if none."""
    match = None if QUERY not in query else _IN_QUERY.search(query)
    return headers.get(HEADER, b"") or (match[1] if match else b"")
