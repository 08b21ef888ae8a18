"""Now and then: attention is kept within its bound, and files that are gone are removed."""

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
"""Between two looks."""
DAY_SECONDS = 86_400.0
"""A file that is half written for so long belongs to a program that was killed."""


def sweep_attention(database: Database, blobs: BlobStore, attention_mib: int) -> int:
    """Let go what is beyond the bound; how many files went. Raises StorageError."""
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
        """One sweep."""
        try:
            removed = sweep_attention(*self._sweep_arguments)
        except StorageError as error:
            log.warning("Old attention could not be removed: %s", error)
            return
        if removed:
            log.info("%d files that are no longer kept were removed.", removed)
