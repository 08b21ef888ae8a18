"""Routes of evidence maps: what each passage of an answer depends on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from models.errors import ModelError
from pathviewer.api.json_route import (
    Asker,
    CompletionIndex,
    Connection,
    json_router,
    render_in_thread,
)
from pathviewer.api.question_access import find_changeable_question, find_visible_question
from pathviewer.api.schemas.maps import EvidenceMapsOut, EvidenceMapsRequest, TokenQuery
from pathviewer.common.work_queue import WorkKind, while_connected
from pathviewer.evidence.evidence_json import evidence_json
from pathviewer.questions.errors import QuestionRefused

if TYPE_CHECKING:
    from pathviewer.common.work_queue import Work
    from pathviewer.evidence.archive import PlaceTest
    from pathviewer.evidence.evidence_json import CompletionEvidence
    from pathviewer.questions.model_input import Pictures
    from pathviewer.questions.service import QuestionService

PATH = "/api/readings/{question_id}/completions/{index}/evidence"
Tokens = Annotated[TokenQuery, Query()]
"""The tokens that a query names."""


class EvidenceRoutes:
    """Handlers, also called by the Gradio endpoint."""

    def __init__(self, pictures: Pictures, questions: QuestionService, work: Work) -> None:
        self._pictures = pictures
        self._questions = questions
        self._work = work

    def router(self) -> APIRouter:
        """Return the routes; they need `ask`."""
        router = json_router()
        router.get(PATH, response_model=EvidenceMapsOut)(render_in_thread(self.show))
        router.post(PATH, response_model=EvidenceMapsOut)(self.find)
        return router

    async def show(
        self,
        caller: Asker,
        client: Connection,
        question_id: str,
        index: CompletionIndex,
        query: Tokens,
    ) -> dict[str, Any]:
        """Return the stored evidence of every passage, or of the tokens from `first` up to `stop`.

        Tokens have no test here; POST tests them.
        """
        snapshot = await find_visible_question(caller, question_id, self._questions)

        def read() -> dict[str, Any]:
            evidence = self._questions.find_evidence(snapshot, index)
            return completion_evidence(evidence, query.tokens)

        return await while_connected(client, lambda: self._work.maps.run(read, caller.bound_key))

    async def find(
        self,
        caller: Asker,
        client: Connection,
        question_id: str,
        index: CompletionIndex,
        words: EvidenceMapsRequest,
    ) -> dict[str, Any]:
        """Return the same, and find and store it first; waits until no answer is being written.

        Tokens from `first` up to `stop` are tested.
        """
        snapshot = await find_changeable_question(caller, question_id, self._questions)
        model, cancelled = self._pictures.model, threading.Event()

        def find() -> dict[str, Any]:
            if words.tokens is None:
                found = self._questions.measure_evidence(snapshot, index, model, cancelled)
                return completion_evidence(found, None)
            found, test = self._questions.test_words(
                snapshot, index, words.tokens, model, cancelled
            )
            return completion_evidence(found, words.tokens, test)

        kind, lane = WorkKind.evidence_map, self._work.evidence
        return await self._work.run(
            client, kind, caller.account_id, lane, find, on_gone=cancelled.set
        )


def completion_evidence(
    evidence: CompletionEvidence, tokens: range | None, test: PlaceTest | None = None
) -> dict[str, Any]:
    """Return evidence as JSON. Raises QuestionRefused for tokens that do not exist."""
    try:
        return evidence_json(evidence, tokens, test)
    except ModelError as error:
        raise QuestionRefused(str(error)) from error
