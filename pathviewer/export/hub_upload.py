"""Upload of a public demo's labels to a data set on the Hugging Face hub.

A Space's disk is lost at each restart. Each run therefore has its own folder in the data set, with
an export of every format that has rows.
"""

from __future__ import annotations

import logging
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from sqlalchemy import func, select

from pathviewer.common.atomic_folder import FolderError
from pathviewer.common.periodic import PeriodicTask
from pathviewer.export.errors import ExportError
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import Pixels, export
from storage.errors import StorageError
from storage.tables import Feedback

if TYPE_CHECKING:
    from storage.database import Database

log = logging.getLogger("pathviewer")

PUSH_SECONDS = 300.0
"""Interval of the checks, s."""


class LabelPusher(PeriodicTask):
    """Checks for new feedback and uploads all feedback of this run again."""

    def __init__(
        self,
        database: Database,
        pixels: Pixels,
        dataset: str,
        licence: str,
        api: HfApi | None = None,
    ) -> None:
        """Take `dataset` as OWNER/NAME; it is created as private if missing.

        `api` None is the hub with the environment's token.
        """
        super().__init__("labels", PUSH_SECONDS)
        self._api = api or HfApi()
        self._database, self._pixels = database, pixels
        self._dataset, self._licence = dataset, licence
        self._run_name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        self._pushed = 0

    def stop(self) -> None:
        """Push new feedback once more and stop."""
        began = self._thread.is_alive()
        super().stop()
        if began:
            self.push()

    def work(self) -> None:
        """Push; a storage error is retried later."""
        try:
            self.push()
        except StorageError as error:
            log.warning("Feedback could not be counted: %s", error)

    def push(self) -> bool:
        """Push if there is new feedback; return whether it was pushed. Failures are retried
        later."""
        with self._database.read_only() as session:
            feedback_count = session.scalar(select(func.count(Feedback.id))) or 0
        if feedback_count == self._pushed:
            return False
        try:
            with tempfile.TemporaryDirectory() as folder:
                self._upload(Path(folder))
        except (HfHubHTTPError, httpx2.HTTPError, StorageError, FolderError, OSError) as error:
            log.warning("Labels could not be pushed to %s yet: %s", self._dataset, error)
            return False
        self._pushed = feedback_count
        return True

    def _upload(self, folder: Path) -> None:
        formats = [name for name in FORMATS if self._export_format(name, folder / name)]
        if not formats:
            return
        self._api.create_repo(self._dataset, repo_type="dataset", private=True, exist_ok=True)
        self._api.upload_folder(
            repo_id=self._dataset,
            repo_type="dataset",
            folder_path=folder,
            path_in_repo=self._run_name,
            delete_patterns="*",
            commit_message=f"Feedback of the run of {self._run_name}",
        )

    def _export_format(self, name: str, out: Path) -> bool:
        """Export a format; return whether it has rows."""
        try:
            export(
                self._database, self._pixels, ExportPlan(FORMATS[name], licence=self._licence), out
            )
        except ExportError:
            return False
        return True
