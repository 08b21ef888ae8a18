"""Visitors of a public demo: each browser tab is one, known by a name that it made up itself.

A Space's page stands in a frame of another site, where browsers keep no cookies; so the name comes
in a header of ours, or in the query where a browser sends no headers (events, pictures, reports).
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from pathviewer.auth.identity import VISITOR, Identity
from pathviewer.auth.roles import Role
from storage.accounts import add_account, set_disabled

if TYPE_CHECKING:
    from storage.database import Database

HEADER = b"x-pathviewer-visitor"
QUERY = b"visitor="
VISIT_SECONDS = 3600.0
MOST_VISITS = 2_000
"""At once; whoever comes then may look, and not ask."""
_NAME = re.compile(rb"[A-Za-z0-9_-]{32,64}")
_IN_QUERY = re.compile(rb"(?:^|&)visitor=([A-Za-z0-9_-]{32,64})(?=&|$)")


@dataclass
class _Visit:
    """Of one visitor."""

    account_id: str
    """An account of its own, which nobody can log into."""
    seen: float
    """When it last asked for anything."""


class Visitors:
    """Who is there; may be used from any thread."""

    def __init__(self, database: Database) -> None:
        self.seconds = VISIT_SECONDS
        """A visit ends so long after its last request."""
        self._database = database
        self._visits: dict[bytes, _Visit] = {}
        self._lock = threading.Lock()

    async def identify(self, name: bytes) -> Identity:
        """The visitor of that name, who may ask and judge; without one, somebody who may look.

        Raises StorageError.
        """
        visit = self._seen(name)
        if visit is None and _NAME.fullmatch(name) and len(self._visits) < MOST_VISITS:
            visit = await anyio.to_thread.run_sync(self._begin, name)
        return VISITOR if visit is None else identity(visit.account_id)

    def ended(self) -> list[str]:
        """Accounts of visits that are over; they are told once."""
        until = time.monotonic() - self.seconds
        with self._lock:
            over = [name for name, visit in self._visits.items() if visit.seen < until]
            return [self._visits.pop(name).account_id for name in over]

    def _seen(self, name: bytes) -> _Visit | None:
        with self._lock:
            visit = self._visits.get(name)
            if visit is not None:
                visit.seen = time.monotonic()
            return visit

    def _begin(self, name: bytes) -> _Visit:
        with self._lock:  # a page's first requests come together
            if name not in self._visits:
                with self._database.session() as session:
                    word = f"visitor-{secrets.token_hex(6)}"
                    account = add_account(session, name=word, role=Role.viewer)
                    set_disabled(session, account.id, True)
                self._visits[name] = _Visit(account.id, time.monotonic())
            return self._visits[name]


def identity(account_id: str) -> Identity:
    """The identity that a visitor's requests carry."""
    return Identity(account_id, "visitor", Role.viewer, visiting=True)


def visitor_name(headers: Mapping[bytes, bytes], query: bytes) -> bytes:
    """What a request says of itself; empty if nothing."""
    found = None if QUERY not in query else _IN_QUERY.search(query)
    return headers.get(HEADER, b"") or (found[1] if found else b"")
