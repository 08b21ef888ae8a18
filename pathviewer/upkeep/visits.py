"""What visitors of a public demo asked and said goes when their visit ends."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from pathviewer.repeating import Repeating
from pathviewer.upkeep.withdraw import Subject, withdraw
from storage.errors import StorageError
from storage.feedback import has_judged

if TYPE_CHECKING:
    from pathviewer.auth.visitors import Visitors
    from pathviewer.reading.live_readings import LiveReadings
    from pathviewer.settings import Settings
    from storage.blobs import BlobStore
    from storage.database import Database

log = logging.getLogger("pathviewer")

LOOK_SECONDS = 60.0
"""Between two looks for visits that are over."""


class Visits(Repeating):
    """Looks for visits that are over."""

    def __init__(
        self,
        visitors: Visitors,
        database: Database,
        blobs: BlobStore,
        readings: LiveReadings,
        keep_labels: bool,
    ) -> None:
        """With `keep_labels`, who judged leaves what was judged behind, until the program ends."""
        super().__init__("visits", LOOK_SECONDS)
        self._visitors, self._readings = visitors, readings
        self._database, self._blobs = database, blobs
        self._keep_labels = keep_labels
        self._over: set[str] = set()

    def work(self) -> int:
        """Take back what belongs to visits that are over; how many there were."""
        self._over.update(self._visitors.ended())
        over = sorted(self._over)
        for account_id in over:
            try:
                self._end(account_id)
            except StorageError as error:
                log.warning("What a visitor left could not be removed yet: %s", error)
            else:
                self._over.discard(account_id)
        return len(over) - len(self._over)

    def _end(self, account_id: str) -> None:
        if self._keep_labels:
            with self._database.reading() as session:
                if has_judged(session, account_id):
                    return
        made, _ = withdraw(self._database, self._blobs, Subject("rater", account_id))
        self._readings.forget(made.detail["reading_ids"])


def forget_visits(settings: Settings) -> None:
    """Remove all that a public demo kept while it ran; nothing of any other run."""
    if settings.public_demo:
        shutil.rmtree(settings.kept, ignore_errors=True)
