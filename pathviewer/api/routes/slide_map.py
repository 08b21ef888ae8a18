"""A slide's own map: what was asked on it, with verdicts and evidence regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.auth.identity import require
from pathviewer.auth.roles import SEES_ALL, Action
from storage.questions.slide_map import AskedThere, SaidThere, asked_on_slide, said_there

if TYPE_CHECKING:
    from storage.database import Database

MOST = 500
"""Questions on one map; more would hide the tissue."""
SIDES = ("x", "y", "width", "height")


def slide_map_routes(database: Database) -> list[Route]:
    """It needs `ask`, as all that tells of readings does."""

    # a plain function: Starlette runs it beside the event loop
    def slide_map(request: Request) -> Response:
        """`GET`: the newest questions that this account may see."""
        identity = require(request.scope, Action.ask)
        slide_id = request.path_params["slide_id"].replace("\0", "")
        with database.reading() as session:
            asked = asked_on_slide(
                session,
                slide_id,
                identity.account_id,
                sees_all=identity.role in SEES_ALL,
                judges=identity.rater,
                limit=MOST + 1,
            )
            said = said_there(session, [one.id for one in asked], identity.viewer_id)
        questions = [question_json(one, said) for one in asked[:MOST]]
        return JSONResponse({"questions": questions, "more": len(asked) > MOST})

    return [Route("/api/slides/{slide_id}/map", slide_map, methods=["GET"])]


def question_json(one: AskedThere, said: Sequence[SaidThere]) -> dict[str, Any]:
    """A question; `verdict` is `mixed` where several do not agree, None where there is none."""
    mine = [each for each in said if each.reading_id == one.id]
    verdicts = {each.verdict for each in mine if each.verdict}
    mixed = "mixed" if verdicts else None
    return {
        "reading": one.id,
        "question": one.question,
        "created_at": one.created_at.isoformat(),
        "verdict": verdicts.pop() if len(verdicts) == 1 else mixed,
        "evidence": [_outline(vars(each)) for each in mine if each.x is not None],
        **_outline(vars(one)),
    }


def _outline(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"box": {side: row[side] for side in SIDES}, "points": row["points"]}
