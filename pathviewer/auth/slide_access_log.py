"""Audit entries of opened slides, written before the first pixels are sent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pathviewer.common.periodic import PeriodicTask
from pathviewer.common.work_queue import WRITES
from storage import audit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pathviewer.auth.identity import Identity
    from storage.database import Database

AGAIN_SECONDS = 3600.0
"""Interval after which a continued view is logged again, s."""
MOST_REMEMBERED = 50_000


class SlideAccessLog(PeriodicTask):
    """Remembers logged views, since every tile asks, and forgets all of them each hour.

    A timestamp check per tile would cost more than the lookup. May be used from any thread.
    """

    def __init__(self, database: Database, *, public_demo: bool) -> None:
        """A public demo, whose demo slide is open to all, logs nothing."""
        super().__init__("openings", AGAIN_SECONDS)
        self._database = database
        self._public_demo = public_demo
        self._lock = threading.Lock()
        self._logged: set[tuple[str, str]] = set()

    def is_logged(self, identity: Identity, slide_id: str) -> bool:
        """Return whether a view of a slide is logged; True if nothing is logged at all."""
        return (identity.account_id, slide_id) in self._logged or self._public_demo

    async def log_view(self, identity: Identity, *slide_ids: str) -> None:
        """Log views of existing slides unless already logged. Raises StorageError."""
        if not all(self.is_logged(identity, each) for each in slide_ids):
            await WRITES.run(lambda: self._log_view(identity, slide_ids), identity.account_id)

    def _log_view(self, identity: Identity, slide_ids: Sequence[str]) -> None:
        with self._lock:  # a script's first tiles arrive concurrently
            new = [each for each in dict.fromkeys(slide_ids) if not self.is_logged(identity, each)]
            if new:
                self.log_opening(identity, *new)

    def log_opening(self, identity: Identity, *slide_ids: str) -> None:
        """Log the opening of slides, even if already logged.

        Blocks on the database; raises StorageError.
        """
        if self._public_demo:
            return
        with self._database.session() as session:
            for each in slide_ids:
                audit.add_entry(session, identity.account_id, "view_slide", each, {})
        if len(self._logged) >= MOST_REMEMBERED:
            self.work()
        self._logged.update((identity.account_id, each) for each in slide_ids)

    def work(self) -> None:
        """Forget the logged views."""
        self._logged.clear()
