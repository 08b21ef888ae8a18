"""Route of the printable report of a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pathviewer.api import user_messages
from pathviewer.api.question_access import find_visible_question
from pathviewer.api.report_templates import report_template
from pathviewer.api.routes.worklist_report import worklist_report_routes
from pathviewer.auth.identity import identity_of
from pathviewer.feedback.feedback_json import select_own_feedback
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.report import collect_attention, report_facts
from storage.feedback.store import list_current_feedback
from storage.slides.store import find_slide_record
from storage.worklists.item_assignment import find_repeat_start

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.questions.service import QuestionService
    from pathviewer.questions.snapshot import QuestionSnapshot
    from pathviewer.slides.library import SlideLibrary
    from storage.database import Database


def report_routes(
    questions: QuestionService, database: Database, library: SlideLibrary, openings: SlideAccessLog
) -> list[Route]:
    """Return the routes of a question's report, for accounts that may see the question, and of a
    worklist's report."""

    async def report(request: Request) -> Response:
        """`GET`: self-contained HTML; 409 while the question is running or blinded."""
        snapshot = await find_visible_question(request, questions)
        if snapshot.is_blinded or snapshot.record.state == "running":
            raise QuestionRefused(user_messages.REPORT_NOT_READY, 409)
        identity = identity_of(request.scope)
        account = identity.account_id
        html = await run_in_threadpool(render_report, questions, database, snapshot, account)
        await openings.log_view(identity, snapshot.record.slide_id)
        return HTMLResponse(html)

    return [
        Route("/api/readings/{reading_id}/report.html", report, methods=["GET"]),
        *worklist_report_routes(library, database, questions.store, openings),
    ]


def render_report(
    questions: QuestionService, database: Database, snapshot: QuestionSnapshot, account_id: str
) -> str:
    """Render the report with the account's own feedback only."""
    record = snapshot.record
    picture = questions.store.load_picture(record)
    with database.read_only() as session:
        slide = find_slide_record(session, record.slide_id).alias
        repeat_start = find_repeat_start(session, record.id, account_id)
        feedback = list_current_feedback(
            session, [each.id for each in snapshot.completions], account_id
        )
        own_feedback = select_own_feedback(feedback, account_id, repeat_start)
    attention = collect_attention(snapshot, lambda index: questions.find_attention(snapshot, index))
    facts = report_facts(snapshot, slide, picture, attention, own_feedback)
    is_author = record.account_id == account_id
    return report_template("report").render(facts | {"first": is_author})
