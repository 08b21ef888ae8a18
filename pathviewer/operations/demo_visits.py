"""Clean-up of the data of ended visits in a public demo."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pathviewer.common.periodic import PeriodicTask
from pathviewer.operations.withdrawal import Subject, withdraw
from storage.errors import StorageError

if TYPE_CHECKING:
    from pathviewer.auth.visitors import Visitors
    from pathviewer.questions.service import QuestionService
    from storage.blobs import BlobStore
    from storage.database import Database

log = logging.getLogger("pathviewer")

LOOK_SECONDS = 60.0
"""Interval of the checks, s."""


class VisitCleanup(PeriodicTask):
    """Removes the data of ended visits."""

    def __init__(
        self,
        visitors: Visitors,
        database: Database,
        blobs: BlobStore,
        questions: QuestionService,
        keep_labels: bool,
    ) -> None:
        """With `keep_labels`, judged questions stay with all their feedback."""
        super().__init__("visits", LOOK_SECONDS)
        self._visitors, self._readings = visitors, questions
        self._database, self._blobs = database, blobs
        self._kind = "unjudged" if keep_labels else "rater"

    def work(self) -> int:
        """Remove the data of ended visits and return their number; failures are retried later."""
        done = 0
        for account_id in self._visitors.list_ended():
            subject = Subject(self._kind, account_id)
            try:
                withdrawal, _ = withdraw(self._database, self._blobs, subject)
            except StorageError as error:
                log.warning("A visitor's data could not be removed yet: %s", error)
                continue
            self._readings.forget(withdrawal.detail["question_ids"])
            self._visitors.forget(account_id)
            done += 1
        return done
