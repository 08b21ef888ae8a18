"""Removal of questions and uploaded slides older than the settings allow.

Feedback is never removed: a question with feedback or a blind first answer stays, and so does its
slide.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pathviewer.common.periodic import PeriodicTask
from pathviewer.operations.clock_check import ClockCheck
from storage import audit
from storage.errors import StorageError
from storage.questions.retention import list_uploads_with_work, remove_files
from storage.slides.uploads import remove_uploads_in
from storage.tables import LOCAL_ACCOUNT_ID, now
from storage.withdrawals import withdraw_expired

if TYPE_CHECKING:
    from pathviewer.settings import Settings
    from storage.blobs import BlobStore
    from storage.database import Database

log = logging.getLogger("pathviewer")

HOUR_SECONDS = 3600.0
"""Interval of the checks, s."""
DAY_SECONDS = 86_400


class Retention(PeriodicTask):
    """Removes expired data at start and every hour."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        blobs: BlobStore,
        forget: Callable[[Sequence[str]], None],
    ) -> None:
        """Take `forget`, which receives the ids of removed questions that may be in memory."""
        super().__init__("retention", HOUR_SECONDS, at_once=True)
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self._forget = forget
        self._clock_check = ClockCheck()

    def work(self) -> None:
        """Remove expired data; failures are retried at the next check."""
        settings = self._settings
        if not (settings.keep_questions_days or settings.keep_uploads_days):
            return
        try:
            refusal = self._clock_check.refusal(self._database)
            if refusal:
                log.warning(refusal)
                return
            questions = self._remove_questions(settings.keep_questions_days)
            uploads = self._remove_uploads(settings.uploads, settings.keep_uploads_days)
        except (StorageError, OSError) as error:
            log.warning("Expired data could not be removed yet: %s", error)
            return
        if questions or uploads:
            log.info("Removed expired data: %d questions, %d uploaded slides.", questions, uploads)

    def _remove_questions(self, days: int) -> int:
        """Remove questions and return their number; 0 days keeps all. Raises StorageError."""
        if days == 0:
            return 0
        before, removed_count = now() - timedelta(days=days), 0
        while True:
            with self._database.session() as session:
                tombstones = withdraw_expired(session, before, LOCAL_ACCOUNT_ID)
                for each in tombstones:
                    detail = {"questions": each.detail["questions"], "days": days}
                    audit.add_entry(session, None, "expired_questions", each.subject_id, detail)
            if not tombstones:
                break
            for each in tombstones:
                self._forget(each.detail["question_ids"])
                removed_count += each.detail["questions"]
        if removed_count:
            remove_files(self._database, self._blobs)
            self._database.checkpoint()
        return removed_count

    def _remove_uploads(self, folder: Path, days: int) -> int:
        """Remove uploaded slides and return their number; 0 days keeps all. Raises StorageError,
        OSError."""
        if days == 0 or not folder.is_dir():
            return 0
        root = os.path.realpath(folder)
        with self._database.read_only() as session:
            every, stay = list_uploads_with_work(session, root)
        tops, staying = ({Path(path).parts[0] for path in paths} for paths in (every, stay))
        removed_count = 0
        for top in sorted(tops - staying):
            path = Path(root, top)
            if age_seconds(path) > days * DAY_SECONDS:
                with self._database.session() as session:
                    remove_uploads_in(session, top)
                    audit.add_entry(session, None, "expired_upload", "upload", {"days": days})
                remove(path)
                removed_count += 1
        return removed_count


def age_seconds(path: Path) -> float:
    """Return the seconds since the last write to a file, or to any file in a folder; 0 if none."""
    newest = max((each.lstat().st_mtime for each in files_in(path)), default=time.time())
    return time.time() - newest


def files_in(path: Path) -> Iterator[Path]:
    """Yield the file, or the files in a folder; follows no link."""
    if path.is_symlink() or path.is_file():
        yield path
        return
    for below, _, names in os.walk(path):
        yield from (Path(below, name) for name in names)


def remove(path: Path) -> None:
    """Remove a file or a folder with its contents; follows no link. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
