"""Route of the printable worklist report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, StreamingResponse

from pathviewer.api.json_route import InsightsReader, json_router
from pathviewer.api.report_templates import report_template
from pathviewer.common.work_queue import WRITES
from pathviewer.worklists.report import WorklistReport
from storage import audit

if TYPE_CHECKING:
    from pathviewer.auth.slide_access_log import SlideAccessLog
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
    ) -> None:
        self._library = library
        self._database = database
        self._store = store
        self._openings = openings

    def router(self) -> APIRouter:
        """Return the route; needs `see_insights`."""
        router = json_router()
        path = "/api/worklists/{worklist_id}/report.html"
        router.get(path, response_class=HTMLResponse)(self.report)
        return router

    async def report(self, caller: InsightsReader, worklist_id: str) -> StreamingResponse:
        """Return a worklist as one self-contained page to print, streamed."""
        contents = await run_in_threadpool(
            WorklistReport,
            self._database,
            self._store,
            self._library.name_of,
            caller.viewer,
            worklist_id,
        )
        await self._openings.log_view(caller, *contents.slides())
        return await WRITES.run(
            lambda: self._begin(contents, caller.account_id, worklist_id), caller.account_id
        )

    def _begin(self, contents: WorklistReport, account: str, worklist_id: str) -> StreamingResponse:
        facts = contents.facts()
        with self._database.session() as session:
            audit.add_entry(session, account, "worklist_report", worklist_id, {})
        page = report_template("worklist_report").stream(facts)
        page.enable_buffering(BUFFERED_PARTS)
        return StreamingResponse(page, media_type="text/html")
