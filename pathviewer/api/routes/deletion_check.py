"""Route of the deletion check: does an answer depend on the attended area?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from pathviewer.api.json_route import Asker, CompletionIndex, Connection, json_router
from pathviewer.api.question_access import find_changeable_question
from pathviewer.api.schemas.questions import DeletionCheckOut, DeletionCheckRequest
from pathviewer.common.work_queue import WorkKind
from pathviewer.questions.question_json import deletion_check_json

if TYPE_CHECKING:
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.model_input import Pictures
    from pathviewer.questions.service import QuestionService
    from storage.questions.records import DeletionCheckRecord


class DeletionCheckRoutes:
    """Handler, also called by the Gradio endpoint."""

    def __init__(self, pictures: Pictures, questions: QuestionService, work: Work) -> None:
        self._pictures = pictures
        self._questions = questions
        self._work = work

    def router(self) -> APIRouter:
        """Return the route; needs `ask`."""
        router = json_router()
        path = "/api/readings/{question_id}/completions/{index}/deletion"
        router.post(path, status_code=201, response_model=DeletionCheckOut)(self.check)
        return router

    async def check(
        self,
        caller: Asker,
        client: Connection,
        question_id: str,
        index: CompletionIndex,
        check: DeletionCheckRequest,
    ) -> dict[str, Any]:
        """Mask what a passage attended to; waits for the result, which is stored."""
        snapshot = await find_changeable_question(caller, question_id, self._questions)
        account, model = caller.account_id, self._pictures.model

        def run_check() -> DeletionCheckRecord:
            return self._questions.check_deletion(snapshot, index, check.passage, account, model)

        record = await self._work.run(
            client, WorkKind.deletion_check, account, self._work.checks, run_check
        )
        return deletion_check_json(record)
