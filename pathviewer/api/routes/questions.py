"""Asking about a region, hearing the answer as it is written, finding it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import ModelError, PromptError
from pathviewer.api.question_access import own_reading, reading_to_change
from pathviewer.api.question_events import event_stream
from pathviewer.api.request_body import json_object, whole_number
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WRITES, while_connected
from pathviewer.feedback.request_body import refuse_control_token
from pathviewer.questions.errors import ReadingRefused
from pathviewer.questions.model_input import Pictures, whole
from pathviewer.questions.question_json import reading_json, row_json
from pathviewer.questions.request_body import asked_of, is_text, slide_of
from pathviewer.questions.rerun import asked_again

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.auth.slide_access_log import Openings
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.request import Asked
    from pathviewer.questions.service import LiveReadings
    from pathviewer.slides.library import SlideLibrary

T = TypeVar("T")
MOST_ROWS = 100
LONGEST_ANSWER = 1_000


def sentences(make: Callable[[], T]) -> T:
    """What `make` gives; a ModelError becomes an error whose sentence the page shows."""
    try:
        return make()
    except PromptError as error:
        raise ReadingRefused(str(error)) from error
    except ModelError as error:
        raise ReadingRefused(str(error), 503) from error


async def read_question(
    request: Request,
    body: Mapping[str, Any],
    readings: LiveReadings,
    pictures: Pictures,
    work: Work,
) -> Asked:
    """The question of a request, with its picture; reads pixels, unless the client goes first.

    Raises Forbidden, ReadingRefused, SlideError, TooBusy, ClientGone.
    """
    account = require(request.scope, Action.ask).account_id
    slide_of(body)
    sentences(readings.check_model)
    readings.check_room(account)

    def read() -> Asked:
        return sentences(lambda: asked_of(body, account, pictures))

    return await while_connected(request, lambda: work.pictures.run(read, account))


def reading_routes(
    library: SlideLibrary,
    pictures: Pictures,
    readings: LiveReadings,
    openings: Openings,
    work: Work,
) -> list[Route]:
    """Everything about readings; all need `ask`."""
    routes = ReadingRoutes(library, pictures, readings, openings, work)
    one = "/api/readings/{reading_id}"
    return [
        Route("/api/readings", routes.ask, methods=["POST"]),
        Route("/api/readings", routes.rows, methods=["GET"]),
        Route(one, routes.show, methods=["GET"]),
        Route(one + "/events", routes.events, methods=["GET"]),
        Route(one + "/stop", routes.stop, methods=["POST"]),
        Route(one + "/again", routes.again, methods=["POST"]),
        Route(one + "/first-answer", routes.first_answer, methods=["POST"]),
        Route(one + "/picture.png", routes.picture, methods=["GET"]),
    ]


class ReadingRoutes:
    """The handlers; pixels and rows are read in threads."""

    def __init__(
        self,
        library: SlideLibrary,
        pictures: Pictures,
        readings: LiveReadings,
        openings: Openings,
        work: Work,
    ) -> None:
        self._library = library
        self._work = work
        self._pictures = pictures
        self._readings = readings
        self._openings = openings

    async def ask(self, request: Request) -> Response:
        """`POST`: 201 with the reading's id, once question and picture are kept."""
        account = require(request.scope, Action.ask).account_id
        body = await json_object(request)
        asked = await read_question(request, body, self._readings, self._pictures, self._work)
        return await self._begun(lambda: asked, account)

    async def again(self, request: Request) -> Response:
        """`POST`: the same question, picture and seed once more: 201 with the new one's id."""
        former = await own_reading(request, self._readings)
        account = require(request.scope, Action.ask).account_id

        def again() -> Asked:
            self._readings.check_model()
            self._readings.running_model(self._pictures.model.name).check(former.record)
            picture = self._readings.keep.picture(former.record)
            return asked_again(former.record, picture, account)

        return await self._begun(again, account)

    async def _begun(self, question: Callable[[], Asked], account: str) -> Response:
        """Keep a question and begin to answer it."""

        def start() -> str:
            return self._readings.start(question()).id

        return JSONResponse({"id": await WRITES.run(lambda: sentences(start), account)}, 201)

    async def rows(self, request: Request) -> Response:
        """`GET ?slide=ID&limit=&before=ID`: the account's own, short, the newest first."""
        account = require(request.scope, Action.ask).account_id
        query = request.query_params
        limit = whole_number(query.get("limit"))
        most = 20 if limit is None else min(MOST_ROWS, limit)
        found = await run_in_threadpool(
            self._readings.keep.rows, account, query.get("slide"), query.get("before"), most
        )
        return JSONResponse([row_json(one) for one in found])

    async def show(self, request: Request) -> Response:
        """`GET`: the whole reading."""
        found = await own_reading(request, self._readings)
        account = require(request.scope, Action.ask).account_id
        if account != found.record.account_id:
            await WRITES.run(lambda: self._readings.keep.viewed(found.record, account), account)
        name = self._library.name_of(found.record.slide_id)
        shows_names = self._library.shows_names
        return JSONResponse(reading_json(found, name, account, shows_names=shows_names))

    async def events(self, request: Request) -> Response:
        """`GET`: what happens, as server-sent events; Last-Event-ID goes on after that one."""
        found = await own_reading(request, self._readings)
        return event_stream(request, self._readings, found.record.id, self._work.accounts)

    async def stop(self, request: Request) -> Response:
        """`POST`: 202; what is written ends within a token."""
        found = await reading_to_change(request, self._readings)
        await run_in_threadpool(self._readings.stop, found.record.id)
        return JSONResponse({"id": found.record.id}, 202)

    async def first_answer(self, request: Request) -> Response:
        """`POST {answer, confidence?}`: 200, or 409 where there is one already."""
        found = await own_reading(request, self._readings)
        account = require(request.scope, Action.ask).account_id
        if account != found.record.account_id:
            raise ReadingRefused("Only whoever asked answers first.", 403)
        body = await json_object(request)
        answer = body.get("answer")
        if not is_text(answer) or not 0 < len(answer.strip()) <= LONGEST_ANSWER:
            raise ReadingRefused(f"An answer has 1 to {LONGEST_ANSWER:,} characters.")
        sure = None if body.get("confidence") is None else whole(body, "confidence", 1, 5)
        refuse_control_token("The answer", answer)
        said = answer.strip()
        await WRITES.run(lambda: self._readings.freeze(found, said, sure), account)
        return JSONResponse({"id": found.record.id})

    async def picture(self, request: Request) -> Response:
        """`GET`: the very picture that the model saw."""
        found = await own_reading(request, self._readings)
        data = await run_in_threadpool(self._readings.keep.picture, found.record)
        await self._openings.see(require(request.scope, Action.ask), found.record.slide_id)
        return Response(data, media_type="image/png")
