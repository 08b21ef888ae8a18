"""A reading as one page to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pathviewer.api.question_access import own_reading
from pathviewer.api.report_templates import report_page
from pathviewer.api.routes.worklist_report import worklist_report_routes
from pathviewer.auth.identity import identity_of
from pathviewer.feedback.feedback_json import said_since
from pathviewer.questions.errors import ReadingRefused
from pathviewer.questions.report import report_facts, seen_of
from storage.feedback.store import current_feedback
from storage.slides.store import slide_record
from storage.worklists.item_assignment import repeat_began

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.auth.slide_access_log import Openings
    from pathviewer.questions.service import LiveReadings
    from pathviewer.questions.snapshot import WholeReading
    from pathviewer.slides.library import SlideLibrary
    from storage.database import Database


def report_routes(
    readings: LiveReadings, database: Database, library: SlideLibrary, openings: Openings
) -> list[Route]:
    """The page of a reading, for whoever may see the reading, and that of a worklist."""

    async def report(request: Request) -> Response:
        """`GET`: self-contained HTML; 409 while a reading is written or kept back."""
        whole = await own_reading(request, readings)
        if whole.withheld or whole.record.state == "running":
            raise ReadingRefused(
                "The reading has not ended yet, or waits for your own answer.", 409
            )
        identity = identity_of(request.scope)
        account = identity.account_id
        html = await run_in_threadpool(report_html, readings, database, whole, account)
        await openings.see(identity, whole.record.slide_id)
        return HTMLResponse(html)

    return [
        Route("/api/readings/{reading_id}/report.html", report, methods=["GET"]),
        *worklist_report_routes(library, database, readings.keep, openings),
    ]


def report_html(
    readings: LiveReadings, database: Database, whole: WholeReading, account_id: str
) -> str:
    """The page as this account sees it: its own judgments, nobody else's."""
    record = whole.record
    picture = readings.keep.picture(record)
    with database.reading() as session:
        slide = slide_record(session, record.slide_id).alias
        afresh = repeat_began(session, record.id, account_id)
        held = current_feedback(session, [each.id for each in whole.completions], account_id)
        said = said_since(held, account_id, afresh)
    seen = seen_of(whole, lambda index: readings.seen(whole, index))
    facts = report_facts(whole, slide, picture, seen, said)
    first = record.account_id == account_id
    return report_page("report").render(facts | {"first": first})
