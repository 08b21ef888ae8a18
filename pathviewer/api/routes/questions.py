"""Routes of questions: ask, stream events, list, show, stop, repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import ModelError, PromptError
from pathviewer.api import user_messages
from pathviewer.api.question_access import find_changeable_question, find_visible_question
from pathviewer.api.question_events import stream_events
from pathviewer.api.request_body import parse_whole_number, read_json_object
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WRITES, while_connected
from pathviewer.feedback.request_body import refuse_control_token
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.model_input import Pictures, read_whole_number
from pathviewer.questions.question_json import question_json, question_row_json
from pathviewer.questions.request_body import is_text, parse_question, read_slide_id
from pathviewer.questions.rerun import repeat_question

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.request import QuestionRequest
    from pathviewer.questions.service import QuestionService
    from pathviewer.slides.library import SlideLibrary

T = TypeVar("T")
MOST_ROWS = 100
LONGEST_ANSWER = 1_000


def refuse_model_errors(make: Callable[[], T]) -> T:
    """Call `make`; turn PromptError and ModelError into QuestionRefused, status 400 and 503."""
    try:
        return make()
    except PromptError as error:
        raise QuestionRefused(str(error)) from error
    except ModelError as error:
        raise QuestionRefused(str(error), 503) from error


async def read_question(
    request: Request,
    body: Mapping[str, Any],
    questions: QuestionService,
    pictures: Pictures,
    work: Work,
) -> QuestionRequest:
    """Parse the question of a request and read its picture, unless the client disconnects.

    Raises Forbidden, QuestionRefused, SlideError, TooBusy, ClientGone.
    """
    account = require(request.scope, Action.ask).account_id
    read_slide_id(body)
    refuse_model_errors(questions.check_model)
    questions.check_capacity(account)

    def read() -> QuestionRequest:
        return refuse_model_errors(lambda: parse_question(body, account, pictures))

    return await while_connected(request, lambda: work.pictures.run(read, account))


def question_routes(
    library: SlideLibrary,
    pictures: Pictures,
    questions: QuestionService,
    openings: SlideAccessLog,
    work: Work,
) -> list[Route]:
    """Return the routes of questions; all need `ask`."""
    routes = QuestionRoutes(library, pictures, questions, openings, work)
    path = "/api/readings/{reading_id}"
    return [
        Route("/api/readings", routes.ask, methods=["POST"]),
        Route("/api/readings", routes.rows, methods=["GET"]),
        Route(path, routes.show, methods=["GET"]),
        Route(path + "/events", routes.events, methods=["GET"]),
        Route(path + "/stop", routes.stop, methods=["POST"]),
        Route(path + "/again", routes.again, methods=["POST"]),
        Route(path + "/first-answer", routes.first_answer, methods=["POST"]),
        Route(path + "/picture.png", routes.picture, methods=["GET"]),
    ]


class QuestionRoutes:
    """Handlers; pixels and rows are read in threads."""

    def __init__(
        self,
        library: SlideLibrary,
        pictures: Pictures,
        questions: QuestionService,
        openings: SlideAccessLog,
        work: Work,
    ) -> None:
        self._library = library
        self._work = work
        self._pictures = pictures
        self._questions = questions
        self._openings = openings

    async def ask(self, request: Request) -> Response:
        """`POST`: 201 with the question's id, once question and picture are stored."""
        account = require(request.scope, Action.ask).account_id
        body = await read_json_object(request)
        question = await read_question(request, body, self._questions, self._pictures, self._work)
        return await self._start(lambda: question, account)

    async def again(self, request: Request) -> Response:
        """`POST`: repeat question, picture and seed; 201 with the new question's id."""
        former = await find_visible_question(request, self._questions)
        account = require(request.scope, Action.ask).account_id

        def again() -> QuestionRequest:
            self._questions.check_model()
            self._questions.running_model(self._pictures.model.name).check_same(former.record)
            picture = self._questions.store.load_picture(former.record)
            return repeat_question(former.record, picture, account)

        return await self._start(again, account)

    async def _start(self, make_question: Callable[[], QuestionRequest], account: str) -> Response:
        """Store a question and start its run."""

        def start() -> str:
            return self._questions.start(make_question()).id

        return JSONResponse(
            {"id": await WRITES.run(lambda: refuse_model_errors(start), account)}, 201
        )

    async def rows(self, request: Request) -> Response:
        """`GET ?slide=ID&limit=&before=ID`: the account's questions as rows, newest first."""
        account = require(request.scope, Action.ask).account_id
        query = request.query_params
        limit = parse_whole_number(query.get("limit"))
        most = 20 if limit is None else min(MOST_ROWS, limit)
        snapshots = await run_in_threadpool(
            self._questions.store.list_snapshots,
            account,
            query.get("slide"),
            query.get("before"),
            most,
        )
        return JSONResponse([question_row_json(snapshot) for snapshot in snapshots])

    async def show(self, request: Request) -> Response:
        """`GET`: the question; an audit entry records views by other accounts."""
        snapshot = await find_visible_question(request, self._questions)
        account = require(request.scope, Action.ask).account_id
        if account != snapshot.record.account_id:
            await WRITES.run(
                lambda: self._questions.store.record_view(snapshot.record, account), account
            )
        name = self._library.name_of(snapshot.record.slide_id)
        shows_names = self._library.shows_names
        return JSONResponse(question_json(snapshot, name, account, shows_names=shows_names))

    async def events(self, request: Request) -> Response:
        """`GET`: server-sent events, after Last-Event-ID if the request has one."""
        snapshot = await find_visible_question(request, self._questions)
        return stream_events(request, self._questions, snapshot.record.id, self._work.accounts)

    async def stop(self, request: Request) -> Response:
        """`POST`: 202; the run stops within one token."""
        snapshot = await find_changeable_question(request, self._questions)
        await run_in_threadpool(self._questions.stop, snapshot.record.id)
        return JSONResponse({"id": snapshot.record.id}, 202)

    async def first_answer(self, request: Request) -> Response:
        """`POST {answer, confidence?}`: 200, or 409 if there is a first answer already."""
        snapshot = await find_visible_question(request, self._questions)
        account = require(request.scope, Action.ask).account_id
        if account != snapshot.record.account_id:
            raise QuestionRefused(user_messages.FIRST_ANSWER_FORBIDDEN, 403)
        body = await read_json_object(request)
        answer = body.get("answer")
        if not is_text(answer) or not 0 < len(answer.strip()) <= LONGEST_ANSWER:
            raise QuestionRefused(user_messages.answer_length(LONGEST_ANSWER))
        confidence = (
            None if body.get("confidence") is None else read_whole_number(body, "confidence", 1, 5)
        )
        refuse_control_token("The answer", answer)
        stripped = answer.strip()
        await WRITES.run(
            lambda: self._questions.save_first_answer(snapshot, stripped, confidence), account
        )
        return JSONResponse({"id": snapshot.record.id})

    async def picture(self, request: Request) -> Response:
        """`GET`: the PNG that the model saw."""
        snapshot = await find_visible_question(request, self._questions)
        data = await run_in_threadpool(self._questions.store.load_picture, snapshot.record)
        await self._openings.log_view(require(request.scope, Action.ask), snapshot.record.slide_id)
        return Response(data, media_type="image/png")
