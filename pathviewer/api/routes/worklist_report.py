"""Route of the printable worklist report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pathviewer.api.report_templates import report_template
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WRITES
from pathviewer.worklists.report import ReportViewer, WorklistReport
from storage import audit

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.questions.store import QuestionStore
    from pathviewer.slides.library import SlideLibrary
    from storage.database import Database

BUFFERED_PARTS = 64
"""Template parts per chunk of the response."""


def worklist_report_routes(
    library: SlideLibrary, database: Database, store: QuestionStore, openings: SlideAccessLog
) -> list[Route]:
    """Return the route; needs `see_insights`."""

    async def report(request: Request) -> Response:
        """`GET`: self-contained HTML, streamed."""
        identity = require(request.scope, Action.see_insights)
        viewer = ReportViewer(identity.account_id, identity.viewer_id is not None)
        key = request.path_params["worklist_id"]

        def begin(contents: WorklistReport) -> Response:
            facts = contents.facts()
            with database.session() as session:
                audit.add_entry(session, identity.account_id, "worklist_report", key, {})
            page = report_template("worklist_report").stream(facts)
            page.enable_buffering(BUFFERED_PARTS)
            return StreamingResponse(page, media_type="text/html")

        contents = await run_in_threadpool(
            WorklistReport, database, store, library.name_of, viewer, key
        )
        await openings.log_view(identity, *contents.slides())
        return await WRITES.run(lambda: begin(contents), identity.account_id)

    return [Route("/api/worklists/{worklist_id}/report.html", report, methods=["GET"])]
