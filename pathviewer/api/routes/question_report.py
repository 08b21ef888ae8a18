"""Route of the printable report of a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from pathviewer.api import user_messages
from pathviewer.api.json_route import Asker, json_router
from pathviewer.api.question_access import find_visible_question
from pathviewer.api.report_templates import report_template
from pathviewer.common.work_queue import WorkKind
from pathviewer.feedback.feedback_json import select_shown_feedback
from pathviewer.questions.errors import QuestionConflict
from pathviewer.questions.report import collect_maps, report_facts
from storage.blinding.state import load_question_state
from storage.feedback.store import list_current_feedback
from storage.slides.store import find_slide_record

if TYPE_CHECKING:
    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.service import QuestionService
    from pathviewer.questions.snapshot import QuestionSnapshot
    from storage.blinding.policy import Viewer
    from storage.database import Database


class QuestionReportRoutes:
    """Handler, also called by the Gradio endpoint."""

    def __init__(
        self,
        questions: QuestionService,
        database: Database,
        openings: SlideAccessLog,
        work: Work,
    ) -> None:
        self._questions = questions
        self._database = database
        self._openings = openings
        self._work = work

    def router(self) -> APIRouter:
        """Return the route, for accounts that may see the question."""
        router = json_router()
        path = "/api/readings/{question_id}/report.html"
        router.get(path, response_class=HTMLResponse)(self.report)
        return router

    async def report(self, caller: Asker, question_id: str) -> HTMLResponse:
        """Return a question as one page to print; 409 while it is running or blinded."""
        with self._work.accounts.slot(caller.bound_key, WorkKind.document):
            snapshot = await find_visible_question(caller, question_id, self._questions)
            if snapshot.is_blinded or snapshot.record.state == "running":
                raise QuestionConflict(user_messages.REPORT_NOT_READY)

            def render() -> str:
                return render_report(self._questions, self._database, snapshot, caller.viewer)

            html = await self._work.documents.run(render, caller.bound_key)
        await self._openings.log_view(caller, snapshot.record.slide_id)
        return HTMLResponse(html)


def render_report(
    questions: QuestionService, database: Database, snapshot: QuestionSnapshot, viewer: Viewer
) -> str:
    """Render the report with the account's own feedback only."""
    record = snapshot.record
    picture = questions.store.load_picture(record)
    with database.read_only() as session:
        slide = find_slide_record(session, record.slide_id).alias
        access = load_question_state(session, record.id, viewer)
        feedback = list_current_feedback(
            session, [each.id for each in snapshot.completions], viewer.account_id
        )
        own_feedback = select_shown_feedback(feedback, access)
    maps = collect_maps(
        snapshot,
        lambda index: questions.find_evidence(snapshot, index),
        lambda index: questions.find_attention(snapshot, index),
    )
    facts = report_facts(snapshot, slide, picture, maps, own_feedback)
    is_author = record.account_id == viewer.account_id
    return report_template("report").render(facts | {"first": is_author})
