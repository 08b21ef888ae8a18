"""Route of the slide map: a slide's questions with verdicts and evidence regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.auth.identity import require
from pathviewer.auth.roles import SEES_ALL, Action
from storage.questions.slide_map import (
    MapFeedback,
    MapQuestion,
    list_map_feedback,
    list_map_questions,
)

if TYPE_CHECKING:
    from storage.database import Database

MOST_QUESTIONS = 500
"""Maximum questions on one map; more would hide the tissue."""
BOX_FIELDS = ("x", "y", "width", "height")


def slide_map_routes(database: Database) -> list[Route]:
    """Return the route; needs `ask`, like all routes of questions."""

    # not async: Starlette runs it in a thread
    def slide_map(request: Request) -> Response:
        """`GET`: the newest questions that this account may see."""
        identity = require(request.scope, Action.ask)
        slide_id = request.path_params["slide_id"].replace("\0", "")
        with database.read_only() as session:
            entries = list_map_questions(
                session,
                slide_id,
                identity.account_id,
                sees_all=identity.role in SEES_ALL,
                is_rater=identity.rater,
                limit=MOST_QUESTIONS + 1,
            )
            feedback = list_map_feedback(session, [one.id for one in entries], identity.viewer_id)
        questions = [map_entry_json(entry, feedback) for entry in entries[:MOST_QUESTIONS]]
        return JSONResponse({"questions": questions, "more": len(entries) > MOST_QUESTIONS})

    return [Route("/api/slides/{slide_id}/map", slide_map, methods=["GET"])]


def map_entry_json(question: MapQuestion, feedback: Sequence[MapFeedback]) -> dict[str, Any]:
    """Return a question as JSON; `verdict` is `mixed` if verdicts differ, None without verdicts."""
    question_feedback = [each for each in feedback if each.question_id == question.id]
    verdicts = {each.verdict for each in question_feedback if each.verdict}
    mixed = "mixed" if verdicts else None
    return {
        "reading": question.id,
        "question": question.question,
        "created_at": question.created_at.isoformat(),
        "verdict": verdicts.pop() if len(verdicts) == 1 else mixed,
        "evidence": [_shape_json(vars(each)) for each in question_feedback if each.x is not None],
        **_shape_json(vars(question)),
    }


def _shape_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"box": {side: row[side] for side in BOX_FIELDS}, "points": row["points"]}
