"""Background tasks: removal of old attention archives and expired data, renewal of view log
entries, retries of refused logouts and, in a public demo, clean-up of ended visits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from pathviewer.attention.retention import AttentionSweeper
from pathviewer.common.periodic import PeriodicTask
from pathviewer.export.hub_upload import LabelPusher
from pathviewer.operations.demo_visits import VisitCleanup
from pathviewer.operations.retention import Retention

if TYPE_CHECKING:
    from pathviewer.auth.access import Access
    from pathviewer.questions.service import QuestionService
    from storage.blobs import BlobStore
    from storage.database import Database


@contextmanager
def run_background_tasks(
    access: Access, database: Database, blobs: BlobStore, questions: QuestionService
) -> Iterator[None]:
    """Run the tasks until exit; a demo's last labels are then pushed."""
    settings = access.settings
    workers: list[PeriodicTask] = [
        AttentionSweeper(database, blobs, settings.attention_mib),
        Retention(settings, database, blobs, questions.forget),
        access.access_log,
        access.ended_logins,
    ]
    if settings.public_demo:
        keeps = bool(settings.demo_labels)
        workers.append(VisitCleanup(access.visitors, database, blobs, questions, keeps))
        if keeps:
            label_target = settings.demo_labels, settings.label_licence
            workers.append(LabelPusher(database, blobs, *label_target))
    with ExitStack() as stack:
        for worker in workers:
            worker.start()
            stack.callback(worker.stop)
        yield
