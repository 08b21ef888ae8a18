"""Route of attention maps, as numbers that the browser colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import ModelError
from pathviewer.api import user_messages
from pathviewer.api.question_access import find_visible_question
from pathviewer.api.request_body import parse_whole_number
from pathviewer.attention.map_json import maps_json
from pathviewer.auth.identity import identity_of
from pathviewer.common.work_queue import while_connected
from pathviewer.questions.errors import QuestionRefused

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.common.work_queue import Work
    from pathviewer.questions.service import QuestionService


def attention_map_routes(questions: QuestionService, work: Work) -> list[Route]:
    """Return the route of a completion's maps; needs `ask`."""

    async def maps(request: Request) -> Response:
        """`GET ?first=&stop=`: maps of every passage, or of these tokens."""
        snapshot = await find_visible_question(request, questions)
        index, tokens = request.path_params["index"], read_token_range(request)
        try:
            document = await while_connected(
                request,
                lambda: work.maps.run(
                    lambda: maps_json(questions.find_attention(snapshot, index), tokens),
                    identity_of(request.scope).bound_key,
                ),
            )
            return JSONResponse(document)
        except ModelError as error:
            raise QuestionRefused(str(error)) from error

    path = "/api/readings/{reading_id}/completions/{index:int}/maps"
    return [Route(path, maps, methods=["GET"])]


def read_token_range(request: Request) -> range | None:
    """Return the requested tokens; None for all passages. Raises QuestionRefused."""
    query = request.query_params
    if "first" not in query and "stop" not in query:
        return None
    first, stop = parse_whole_number(query.get("first")), parse_whole_number(query.get("stop"))
    if first is None or stop is None:
        raise QuestionRefused(user_messages.PASSAGE_RANGE_INVALID)
    return range(first, stop)
