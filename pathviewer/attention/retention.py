"""Retention: limits the stored attention and removes files that are no longer used."""

from __future__ import annotations

import logging

from pathviewer.common.periodic import PeriodicTask
from storage import audit
from storage.blobs import BlobStore
from storage.database import Database
from storage.errors import StorageError
from storage.questions.retention import forget_attention, remove_files

log = logging.getLogger("pathviewer")

HOUR_SECONDS = 3600.0
"""Interval between two sweeps."""
DAY_SECONDS = 86_400.0
"""Age at which an unfinished file counts as left by a killed process."""


def sweep_attention(database: Database, blobs: BlobStore, attention_mib: int) -> int:
    """Delete attention beyond `attention_mib`, files marked as removed and old unfinished files.

    Returns the number of deleted files. Raises StorageError.
    """
    with database.session() as session:
        forgotten = forget_attention(session, attention_mib * 2**20)
        if forgotten:
            detail = {"files": forgotten, "attention_mib": attention_mib}
            audit.add_entry(session, None, "forgot_attention", "attention", detail)
    return remove_files(database, blobs) + blobs.clear_unfinished(DAY_SECONDS)


class AttentionSweeper(PeriodicTask):
    """Sweeps at the start and every hour."""

    def __init__(self, database: Database, blobs: BlobStore, attention_mib: int) -> None:
        super().__init__("sweeper", HOUR_SECONDS, at_once=True)
        self._sweep_arguments = database, blobs, attention_mib

    def work(self) -> None:
        """Sweep once; log storage errors."""
        try:
            removed = sweep_attention(*self._sweep_arguments)
        except StorageError as error:
            log.warning("Old attention could not be removed: %s", error)
            return
        if removed:
            log.info("Removed %d files that are no longer needed.", removed)
