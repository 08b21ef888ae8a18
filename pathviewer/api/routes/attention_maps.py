"""Route of attention maps, as numbers that the browser colours."""

from __future__ import annotations

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
from pathviewer.api.question_access import find_visible_question
from pathviewer.api.schemas.maps import Maps, TokenQuery
from pathviewer.attention.map_json import maps_json
from pathviewer.common.work_queue import while_connected
from pathviewer.questions.errors import QuestionRefused

if TYPE_CHECKING:
    from pathviewer.attention.map_json import CompletionAttention
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.service import QuestionService

Tokens = Annotated[TokenQuery, Query()]
"""The tokens that a query names."""


class AttentionMapRoutes:
    """Handler, also called by the Gradio endpoint."""

    def __init__(self, questions: QuestionService, work: Work) -> None:
        self._questions = questions
        self._work = work

    def router(self) -> APIRouter:
        """Return the route; needs `ask`."""
        router = json_router()
        path = "/api/readings/{question_id}/completions/{index}/maps"
        router.get(path, response_model=Maps)(render_in_thread(self.maps))
        return router

    async def maps(
        self,
        caller: Asker,
        client: Connection,
        question_id: str,
        index: CompletionIndex,
        query: Tokens,
    ) -> dict[str, Any]:
        """Return the maps of every passage, or of the tokens from `first` up to `stop`."""
        snapshot = await find_visible_question(caller, question_id, self._questions)

        def read() -> dict[str, Any]:
            return completion_maps(self._questions.find_attention(snapshot, index), query.tokens)

        return await while_connected(client, lambda: self._work.maps.run(read, caller.bound_key))


def completion_maps(attention: CompletionAttention, tokens: range | None) -> dict[str, Any]:
    """Return maps as JSON. Raises QuestionRefused for tokens that do not exist."""
    try:
        return maps_json(attention, tokens)
    except ModelError as error:
        raise QuestionRefused(str(error)) from error
