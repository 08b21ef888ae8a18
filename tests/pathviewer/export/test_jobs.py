"""An export that the page asked for, where the server's disk is full."""

from __future__ import annotations

import time
from pathlib import Path

from pathviewer.export.jobs import ExportJob, ExportJobs
from pathviewer.export.plan import FORMATS, ExportPlan
from tests.pathviewer.export.made_labels import Labels
from tests.small_disk import small_disk


def ended(jobs: ExportJobs) -> ExportJob:
    """A job that has run."""
    job = jobs.start("local", ExportPlan(FORMATS["unpaired"]), lambda _: None)
    until = time.monotonic() + 30
    while job.state == "running" and time.monotonic() < until:
        time.sleep(0.02)
    return job


def test_a_full_disk_leaves_nothing_and_is_told(filled: Labels, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    with small_disk(folder, 8) as make_room:
        jobs = ExportJobs(filled.database, filled.blobs, folder)
        job = ended(jobs)
        assert job.state == "failed"
        assert job.error is not None
        assert job.error.endswith("Tell the server's administrator.")
        assert "--out" not in job.error
        assert list(folder.iterdir()) == []
        make_room()
        again = ended(jobs)
        assert again.state == "done"
        assert [path.name for path in folder.iterdir()] == [f"{again.id}.zip"]
