"""Export jobs from the page: each runs in a thread, and its archive is available for a while."""

from __future__ import annotations

import shutil
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from pathviewer.common.atomic_folder import FolderError, server_sentence
from pathviewer.common.work_queue import AccountBounds, Slot, WorkKind
from pathviewer.export import user_messages
from pathviewer.export.errors import ExportError
from pathviewer.export.plan import ExportPlan, ExportTally
from pathviewer.export.run import Pixels, export
from storage.database import Database
from storage.errors import StorageError
from storage.private_files import make_private_folder, open_private

MOST_ARCHIVES = 5
"""Most archives; the oldest is removed."""


@dataclass
class ExportJob:
    """One export and its progress."""

    account_id: str
    """Account that started it."""
    plan: ExportPlan
    """Plan of the export."""
    id: str = field(default_factory=lambda: str(uuid4()))
    """Opaque id."""
    state: str = "running"
    """`running`, `done` or `failed`."""
    done: int = 0
    """Processed questions."""
    total: int = 0
    """Questions in total."""
    error: str | None = None
    """Error as a sentence; None without one."""
    tally: ExportTally | None = None
    """Result, once done."""


class ExportJobs:
    """Export jobs of all accounts; thread-safe."""

    def __init__(
        self, database: Database, pixels: Pixels, folder: Path, bounds: AccountBounds | None = None
    ) -> None:
        """Empty `folder`: archives end with the program, since their contents may be withdrawn.

        `bounds` limit the exports in progress; None sets no limit.
        """
        self._bounds = bounds or AccountBounds({})
        self._database = database
        self._pixels = pixels
        self._folder = folder
        self._jobs: dict[str, ExportJob] = {}
        self._lock = threading.Lock()
        shutil.rmtree(folder, ignore_errors=True)

    def start(
        self, account_id: str, plan: ExportPlan, on_done: Callable[[ExportJob], None]
    ) -> ExportJob:
        """Start an export; `on_done` is called in its thread once done. Raises TooBusy."""
        job = ExportJob(account_id, plan)
        slot = self._bounds.take(account_id, WorkKind.export)
        with self._lock:
            self._jobs[job.id] = job
            self._make_room()
        threading.Thread(target=self._run, args=(job, on_done, slot), daemon=True).start()
        return job

    def find(self, job_id: str, account_id: str) -> ExportJob | None:
        """Return the account's own job; None if there is none."""
        job = self._jobs.get(job_id)
        return job if job is not None and job.account_id == account_id else None

    def list_jobs(self, account_id: str) -> list[ExportJob]:
        """Return the account's own jobs, newest first."""
        return [job for job in reversed(self._jobs.values()) if job.account_id == account_id]

    def archive(self, job: ExportJob) -> Path:
        """Return the zip file of a finished job."""
        return self._folder / f"{job.id}.zip"

    def _run(self, job: ExportJob, on_done: Callable[[ExportJob], None], slot: Slot) -> None:
        state = "failed"
        try:
            state = self._export(job, on_done)
        finally:
            slot.release()  # before the end event: its listeners may start another export
            if state != "done":
                job.error = job.error or user_messages.INTERNAL_ERROR
            job.state = state

    def _export(self, job: ExportJob, on_done: Callable[[ExportJob], None]) -> str:
        """Run the export and return the job's final state."""
        out = self._folder / job.id
        try:
            make_private_folder(self._folder)
            job.tally = export(
                self._database,
                self._pixels,
                job.plan,
                out,
                lambda *far: self._tell(job, *far),
                private=True,
            )
            pack(out, self.archive(job))
            on_done(job)
        except (ExportError, StorageError) as error:
            job.error = str(error)
        except FolderError as error:
            disk = error.__cause__
            job.error = server_sentence(disk) if isinstance(disk, OSError) else str(error)
        except OSError as error:
            job.error = server_sentence(error)
        finally:
            shutil.rmtree(out, ignore_errors=True)
            self.archive(job).with_suffix(".part").unlink(missing_ok=True)
        return "done" if job.error is None else "failed"

    def _tell(self, job: ExportJob, done: int, total: int) -> None:
        job.done, job.total = done, total

    def _make_room(self) -> None:
        ended = [job for job in self._jobs.values() if job.state != "running"]
        for job in ended[: max(0, len(ended) - MOST_ARCHIVES + 1)]:
            del self._jobs[job.id]
            self.archive(job).unlink(missing_ok=True)


def pack(folder: Path, target: Path) -> None:
    """Zip a folder reproducibly and atomically."""
    part = target.with_suffix(".part")
    with (
        open_private(part, "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,  # Parquet is compressed
    ):
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(f"export/{path.name}")  # constant date (1980)
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as packed:
                shutil.copyfileobj(source, packed, 2**20)
    part.replace(target)
