"""Routes of questions: ask, list, stream, stop, repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from pathviewer.api import user_messages
from pathviewer.api.json_route import Asker, Connection, EventStream, PngResponse, json_router
from pathviewer.api.question_access import find_changeable_question, find_visible_question
from pathviewer.api.question_events import stream_events
from pathviewer.api.schemas.base import StoredId
from pathviewer.api.schemas.events import QuestionEvent
from pathviewer.api.schemas.questions import HistoryQuery, Question, QuestionRow
from pathviewer.common.work_queue import READS, WRITES
from pathviewer.feedback.request import OwnAnswerRequest
from pathviewer.questions.errors import QuestionForbidden
from pathviewer.questions.question_json import question_json, question_row_json
from pathviewer.questions.request import QuestionRequest
from pathviewer.questions.rerun import repeat_question

if TYPE_CHECKING:
    from pathviewer.api.question_asker import QuestionAsker
    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.model_input import Pictures
    from pathviewer.questions.service import QuestionService
    from pathviewer.questions.snapshot import QuestionSnapshot
    from pathviewer.slides.library import SlideLibrary

MOST_ROWS = 100
MOST_HEADER = 8_192
"""Characters of a header; uvicorn takes no longer ones."""


class QuestionRoutes:
    """Handlers, also called by the Gradio endpoints; pixels and rows are read in threads."""

    def __init__(
        self,
        library: SlideLibrary,
        pictures: Pictures,
        questions: QuestionService,
        asker: QuestionAsker,
        openings: SlideAccessLog,
        work: Work,
    ) -> None:
        self._library = library
        self._pictures = pictures
        self._questions = questions
        self._asker = asker
        self._openings = openings
        self._work = work

    def router(self) -> APIRouter:
        """Return the routes; all need `ask`."""
        router = json_router()
        path = "/api/readings/{question_id}"
        router.post("/api/readings", status_code=201, response_model=StoredId)(self.ask)
        router.get("/api/readings", response_model=list[QuestionRow])(self.rows)
        router.get(path, response_model=Question)(self.show)
        router.get(
            path + "/events", response_class=EventStream, responses={200: {"model": QuestionEvent}}
        )(self.events)
        router.post(path + "/stop", status_code=202, response_model=StoredId)(self.stop)
        router.post(path + "/again", status_code=201, response_model=StoredId)(self.again)
        router.post(path + "/first-answer", response_model=StoredId)(self.first_answer)
        router.get(path + "/picture.png", response_class=PngResponse)(self.picture)
        return router

    async def ask(
        self, caller: Asker, client: Connection, question: QuestionRequest
    ) -> dict[str, Any]:
        """Ask about a region. The question and its picture are stored before the response."""
        return await self._asker.ask(caller, client, question, lambda run: {"id": run.id})

    async def again(self, caller: Asker, question_id: str) -> dict[str, Any]:
        """Repeat question, picture and seed, of the model that runs now."""
        former = await find_visible_question(caller, question_id, self._questions)
        account = caller.account_id

        def again() -> dict[str, Any]:
            self._questions.check_model()
            self._questions.running_model(self._pictures.model.name).check_same(former.record)
            picture = self._questions.store.load_picture(former.record)
            question = repeat_question(former.record, picture, account)
            return {"id": self._questions.start(question).id}

        return await WRITES.run(again, account)

    async def rows(
        self,
        caller: Asker,
        query: Annotated[HistoryQuery, Query()],
    ) -> list[dict[str, Any]]:
        """List the caller's questions, newest first."""

        def read() -> list[QuestionSnapshot]:
            limit = min(MOST_ROWS, query.limit)
            store = self._questions.store
            return store.list_snapshots(caller.account_id, query.slide, query.before, limit)

        snapshots = await READS.run(read, caller.bound_key)
        return [question_row_json(snapshot) for snapshot in snapshots]

    async def show(self, caller: Asker, question_id: str) -> dict[str, Any]:
        """Return a question; an audit entry records views by other accounts."""
        snapshot = await find_visible_question(caller, question_id, self._questions)
        account = caller.account_id
        if account != snapshot.record.account_id:
            await WRITES.run(
                lambda: self._questions.store.record_view(snapshot.record, account), account
            )
        name = self._library.name_of(snapshot.record.slide_id)
        shows_names = self._library.shows_names
        return question_json(snapshot, name, account, shows_names=shows_names)

    async def events(
        self,
        request: Request,
        caller: Asker,
        question_id: str,
        last_event_id: Annotated[str | None, Header(max_length=MOST_HEADER)] = None,
    ) -> Response:
        """Stream the question's events, after Last-Event-ID if given."""
        snapshot = await find_visible_question(caller, question_id, self._questions)
        return stream_events(
            request, self._questions, snapshot.record.id, last_event_id, self._work.accounts
        )

    async def stop(self, caller: Asker, question_id: str) -> dict[str, Any]:
        """Stop the run within one token."""
        snapshot = await find_changeable_question(caller, question_id, self._questions)
        await READS.run(lambda: self._questions.stop(snapshot.record.id), caller.bound_key)
        return {"id": snapshot.record.id}

    async def first_answer(
        self, caller: Asker, question_id: str, answer: OwnAnswerRequest
    ) -> dict[str, Any]:
        """Give one's own answer to a blind question; 409 for a second one."""
        snapshot = await find_visible_question(caller, question_id, self._questions)
        account = caller.account_id
        if account != snapshot.record.account_id:
            raise QuestionForbidden(user_messages.FIRST_ANSWER_FORBIDDEN)
        await WRITES.run(
            lambda: self._questions.save_first_answer(snapshot, answer.answer, answer.confidence),
            account,
        )
        return {"id": snapshot.record.id}

    async def picture(self, caller: Asker, question_id: str) -> Response:
        """Return the PNG that the model saw."""
        snapshot = await find_visible_question(caller, question_id, self._questions)
        store = self._questions.store
        data = await READS.run(lambda: store.load_picture(snapshot.record), caller.bound_key)
        await self._openings.log_view(caller, snapshot.record.slide_id)
        return PngResponse(data)
