"""The deletion check: whether an answer used what it looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api.question_access import reading_to_change
from pathviewer.api.request_body import json_object
from pathviewer.api.routes.questions import sentences
from pathviewer.attention.passages import WHOLE
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import Kind
from pathviewer.questions.errors import ReadingRefused
from pathviewer.questions.question_json import check_json

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.common.work_queue import Work
    from pathviewer.questions.model_input import Pictures
    from pathviewer.questions.service import LiveReadings
    from storage.questions.records import DeletionCheckRecord


def deletion_routes(pictures: Pictures, readings: LiveReadings, work: Work) -> list[Route]:
    """Checking an answer; needs `ask`."""

    async def check(request: Request) -> Response:
        """`POST {passage?}`: 201 with what was found, which is kept; the page waits for it."""
        whole = await reading_to_change(request, readings)
        account = require(request.scope, Action.ask).account_id
        passage = (await json_object(request)).get("passage", WHOLE)
        if not isinstance(passage, str):
            raise ReadingRefused("The passage is a name, such as `answer`.")
        index, model = request.path_params["index"], pictures.model.name

        def look() -> DeletionCheckRecord:
            return sentences(lambda: readings.check(whole, index, passage, account, model))

        found = await work.run(request, Kind.deletion_check, account, work.checks, look)
        return JSONResponse(check_json(found), 201)

    path = "/api/readings/{reading_id}/completions/{index:int}/deletion"
    return [Route(path, check, methods=["POST"])]
