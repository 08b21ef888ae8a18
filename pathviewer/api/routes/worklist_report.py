"""Route of the printable worklist report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from pathviewer.api.bounded_stream import BoundedStream
from pathviewer.api.json_route import InsightsReader, json_router
from pathviewer.api.report_templates import report_template
from pathviewer.common.work_queue import WRITES, WorkKind
from pathviewer.worklists.report import WorklistReport
from storage import audit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pathviewer.auth.identity import Identity
    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.store import QuestionStore
    from pathviewer.slides.library import SlideLibrary
    from storage.database import Database

BUFFERED_PARTS = 64
"""Template parts per chunk of the response."""


class WorklistReportRoutes:
    """Handler, also called by the Gradio endpoint."""

    def __init__(
        self,
        library: SlideLibrary,
        database: Database,
        store: QuestionStore,
        openings: SlideAccessLog,
        work: Work,
    ) -> None:
        self._library = library
        self._database = database
        self._store = store
        self._openings = openings
        self._work = work

    def router(self) -> APIRouter:
        """Return the route; needs `see_insights`."""
        router = json_router()
        path = "/api/worklists/{worklist_id}/report.html"
        router.get(path, response_class=HTMLResponse)(self.report)
        return router

    async def report(self, caller: InsightsReader, worklist_id: str) -> BoundedStream:
        """Return a worklist as one self-contained page to print, streamed."""
        bounds, account = self._work.accounts, caller.bound_key

        def load() -> WorklistReport:
            return WorklistReport(
                self._database, self._store, self._library.name_of, caller.viewer, worklist_id
            )

        with bounds.slot(account, WorkKind.document):
            contents = await self._work.documents.run(load, account)
            await self._openings.log_view(caller, *contents.slides())
            facts = await self._work.documents.run(contents.facts, account)
            await WRITES.run(lambda: self._audit(caller, worklist_id), caller.account_id)
        parts = self._render(facts, account)
        return BoundedStream(parts, bounds, WorkKind.document, media_type="text/html")

    async def _render(self, facts: dict[str, Any], account: str) -> AsyncGenerator[str]:
        """Yield the page in parts, each rendered in the lane, so that accounts take turns."""
        page = report_template("worklist_report").stream(facts)
        page.enable_buffering(BUFFERED_PARTS)
        documents = self._work.documents
        while (part := await documents.run(lambda: next(page, None), account)) is not None:
            yield part

    def _audit(self, caller: Identity, worklist_id: str) -> None:
        with self._database.session() as session:
            audit.add_entry(session, caller.account_id, "worklist_report", worklist_id, {})
