"""Who opened which slide, in the audit log before the first of its pixels is sent."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from storage import audit

if TYPE_CHECKING:
    from pathviewer.auth.identity import Identity
    from storage.database import Database

AGAIN_SECONDS = 3600.0
"""Who goes on looking for longer is entered anew."""
MOST_REMEMBERED = 50_000


class Openings:
    """Remembers what was entered, since every tile asks; may be used from any thread."""

    def __init__(self, database: Database, *, public_demo: bool) -> None:
        """A public demo, which shows its demo slide to anybody, enters nothing."""
        self._database = database
        self._public_demo = public_demo
        self._lock = threading.Lock()
        self._until: dict[tuple[str, str], float] = {}

    def entered(self, identity: Identity, slide_id: str) -> bool:
        """Whether the log has it that somebody looks at a slide; True where nothing is logged."""
        until = self._until.get((identity.account_id, slide_id))
        return self._public_demo if until is None else time.monotonic() < until

    async def see(self, identity: Identity, slide_id: str) -> None:
        """Enter it, unless it is entered. `slide_id` is of a slide that there is.

        Raises StorageError.
        """
        if not self.entered(identity, slide_id):
            await run_in_threadpool(self._see, identity, slide_id)

    def _see(self, identity: Identity, slide_id: str) -> None:
        with self._lock:  # a script's first tiles come together
            if not self.entered(identity, slide_id):
                self.enter(identity, slide_id)

    def enter(self, identity: Identity, slide_id: str) -> None:
        """Enter it whether or not it is entered, as for a slide that is opened. Waits for the
        database; raises StorageError."""
        if self._public_demo:
            return
        with self._database.session() as session:
            audit.record(session, identity.account_id, "view_slide", slide_id, {})
        if len(self._until) >= MOST_REMEMBERED:
            self._until.clear()
        self._until[identity.account_id, slide_id] = time.monotonic() + AGAIN_SECONDS
