"""Route of the slide map: a slide's questions with verdicts and evidence regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from pathviewer.api.json_route import Asker, json_router, render_in_thread
from pathviewer.api.schemas.questions import DISAGREEMENT, SlideMap
from pathviewer.common.work_queue import WorkKind
from storage.questions.slide_map import (
    MapFeedback,
    MapQuestion,
    list_map_feedback,
    list_map_questions,
)

if TYPE_CHECKING:
    from pathviewer.auth.identity import Identity
    from pathviewer.common.work_queue import Work
    from storage.database import Database

MOST_QUESTIONS = 500
"""Maximum questions on one map; more would hide the tissue."""
BOX_FIELDS = ("x", "y", "width", "height")


class SlideMapRoutes:
    """Handler, also called by the Gradio endpoint."""

    def __init__(self, database: Database, work: Work) -> None:
        self._database = database
        self._work = work

    def router(self) -> APIRouter:
        """Return the route; needs `ask`, like all routes of questions."""
        router = json_router()
        path = "/api/slides/{slide_id}/map"
        router.get(path, response_model=SlideMap)(render_in_thread(self.slide_map))
        return router

    async def slide_map(self, caller: Asker, slide_id: str) -> dict[str, Any]:
        """Return the newest questions on a slide that the caller may see."""

        def read() -> dict[str, Any]:
            return self._read(caller, slide_id.replace("\0", ""))

        with self._work.accounts.slot(caller.bound_key, WorkKind.document):
            return await self._work.documents.run(read, caller.bound_key)

    def _read(self, caller: Identity, slide_id: str) -> dict[str, Any]:
        with self._database.read_only() as session:
            entries = list_map_questions(session, slide_id, caller.viewer, MOST_QUESTIONS + 1)
            feedback = list_map_feedback(session, [one.id for one in entries], caller.viewer)
        questions = [map_entry_json(entry, feedback) for entry in entries[:MOST_QUESTIONS]]
        return {"questions": questions, "more": len(entries) > MOST_QUESTIONS}


def map_entry_json(question: MapQuestion, feedback: Sequence[MapFeedback]) -> dict[str, Any]:
    """Return a question as JSON; `verdict` is `mixed` if verdicts differ, None without verdicts."""
    question_feedback = [each for each in feedback if each.question_id == question.id]
    verdicts = {each.verdict for each in question_feedback if each.verdict}
    mixed = DISAGREEMENT if verdicts else None
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
