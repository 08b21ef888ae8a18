"""What visitors of a public demo judged, pushed to a data set on the Hugging Face hub.

A Space's disk is lost whenever it starts anew, so each run has a folder of its own there, with an
export of every format that has rows.
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
"""Between two looks for what is new."""


class LabelPusher(PeriodicTask):
    """Looks for new judgments, and pushes all of this run's once more."""

    def __init__(
        self,
        database: Database,
        pixels: Pixels,
        dataset: str,
        licence: str,
        api: HfApi | None = None,
    ) -> None:
        """`dataset` is OWNER/NAME; it is made, private, where it is not there. `api` None is the
        hub with the token of the environment."""
        super().__init__("labels", PUSH_SECONDS)
        self._api = api or HfApi()
        self._database, self._pixels = database, pixels
        self._dataset, self._licence = dataset, licence
        self._run_name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        self._pushed = 0

    def stop(self) -> None:
        """Push what is new once more, and end."""
        began = self._thread.is_alive()
        super().stop()
        if began:
            self.push()

    def work(self) -> None:
        """Push; what cannot be counted now is counted later."""
        try:
            self.push()
        except StorageError as error:
            log.warning("Judgments could not be counted: %s", error)

    def push(self) -> bool:
        """Push if something was judged since; whether it was. What fails is tried again later."""
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
            commit_message=f"Judgments of the run of {self._run_name}",
        )

    def _export_format(self, name: str, out: Path) -> bool:
        """Whether a format has rows; its folder then."""
        try:
            export(
                self._database, self._pixels, ExportPlan(FORMATS[name], licence=self._licence), out
            )
        except ExportError:
            return False
        return True
