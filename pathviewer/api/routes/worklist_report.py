"""A worklist as one page to print, for whoever may see all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pathviewer.api.report_templates import report_page
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WRITES
from pathviewer.worklists.report import Reader, WorklistReport
from storage import audit

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.auth.slide_access_log import Openings
    from pathviewer.questions.store import KeptReadings
    from pathviewer.slides.library import SlideLibrary
    from storage.database import Database

PARTS = 64
"""Pieces of text that are sent at a time."""


def worklist_report_routes(
    library: SlideLibrary, database: Database, keep: KeptReadings, openings: Openings
) -> list[Route]:
    """Needs `see_insights`."""

    async def report(request: Request) -> Response:
        """`GET`: self-contained HTML, sent as it is made."""
        identity = require(request.scope, Action.see_insights)
        reader = Reader(identity.account_id, identity.viewer_id is not None)
        key = request.path_params["worklist_id"]

        def begin(found: WorklistReport) -> Response:
            facts = found.facts()
            with database.session() as session:
                audit.record(session, identity.account_id, "worklist_report", key, {})
            page = report_page("worklist_report").stream(facts)
            page.enable_buffering(PARTS)
            return StreamingResponse(page, media_type="text/html")

        found = await run_in_threadpool(
            WorklistReport, database, keep, library.name_of, reader, key
        )
        await openings.see(identity, *found.slides())
        return await WRITES.run(lambda: begin(found), identity.account_id)

    return [Route("/api/worklists/{worklist_id}/report.html", report, methods=["GET"])]
