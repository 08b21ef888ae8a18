"""Route of the deletion check: does an answer depend on the attended area?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api import user_messages
from pathviewer.api.question_access import find_changeable_question
from pathviewer.api.request_body import read_json_object
from pathviewer.api.routes.questions import refuse_model_errors
from pathviewer.attention.passages import WHOLE_COMPLETION
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WorkKind
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.question_json import deletion_check_json

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.common.work_queue import Work
    from pathviewer.questions.model_input import Pictures
    from pathviewer.questions.service import QuestionService
    from storage.questions.records import DeletionCheckRecord


def deletion_check_routes(
    pictures: Pictures, questions: QuestionService, work: Work
) -> list[Route]:
    """Return the route; needs `ask`."""

    async def check(request: Request) -> Response:
        """`POST {passage?}`: 201 with the result, once it is stored."""
        snapshot = await find_changeable_question(request, questions)
        account = require(request.scope, Action.ask).account_id
        passage = (await read_json_object(request)).get("passage", WHOLE_COMPLETION)
        if not isinstance(passage, str):
            raise QuestionRefused(user_messages.PASSAGE_NOT_TEXT)
        index, model = request.path_params["index"], pictures.model.name

        def run_check() -> DeletionCheckRecord:
            return refuse_model_errors(
                lambda: questions.check_deletion(snapshot, index, passage, account, model)
            )

        record = await work.run(request, WorkKind.deletion_check, account, work.checks, run_check)
        return JSONResponse(deletion_check_json(record), 201)

    path = "/api/readings/{reading_id}/completions/{index:int}/deletion"
    return [Route(path, check, methods=["POST"])]
