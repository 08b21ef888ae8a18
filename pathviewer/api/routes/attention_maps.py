"""Where a completion looked, as numbers that the browser colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import ModelError
from pathviewer.api.question_access import own_reading
from pathviewer.api.request_body import whole_number
from pathviewer.attention.map_json import maps_json
from pathviewer.auth.identity import identity_of
from pathviewer.common.work_queue import while_connected
from pathviewer.questions.errors import ReadingRefused

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.common.work_queue import Work
    from pathviewer.questions.service import LiveReadings


def map_routes(readings: LiveReadings, work: Work) -> list[Route]:
    """Maps of a completion; they need `ask`."""

    async def maps(request: Request) -> Response:
        """`GET ?first=&stop=`: of every passage, or of these tokens."""
        whole = await own_reading(request, readings)
        index, tokens = request.path_params["index"], asked_tokens(request)
        try:
            told = await while_connected(
                request,
                lambda: work.maps.run(
                    lambda: maps_json(readings.seen(whole, index), tokens),
                    identity_of(request.scope).bound_key,
                ),
            )
            return JSONResponse(told)
        except ModelError as error:
            raise ReadingRefused(str(error)) from error

    path = "/api/readings/{reading_id}/completions/{index:int}/maps"
    return [Route(path, maps, methods=["GET"])]


def asked_tokens(request: Request) -> range | None:
    """The tokens that are asked for; None for all passages."""
    query = request.query_params
    if "first" not in query and "stop" not in query:
        return None
    first, stop = whole_number(query.get("first")), whole_number(query.get("stop"))
    if first is None or stop is None:
        raise ReadingRefused("first and stop are whole numbers: a token, and one past the last.")
    return range(first, stop)
