"""Named Gradio endpoints of comparisons and votes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import gradio as gr

from pathviewer.api.gradio_caller import identify_caller
from pathviewer.api.progress import stream_question_progress
from pathviewer.api.schemas.comparisons import SideQuery
from pathviewer.api.schemas.maps import TokenQuery
from pathviewer.auth.roles import Action
from pathviewer.common.validation import read_value
from pathviewer.common.work_queue import Client
from pathviewer.feedback.request import UndoRequest, VoteRequest
from pathviewer.questions.request import QuestionRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pathviewer.api.routes.api_routes import ApiRoutes
    from pathviewer.questions.service import QuestionService


class ComparisonEndpoints:
    """Endpoints with the functions of the page /compare."""

    def __init__(self, routes: ApiRoutes, questions: QuestionService) -> None:
        self._comparisons = routes.comparisons
        self._questions = questions

    def endpoints(self) -> tuple[Callable[..., Any], ...]:
        """Return the endpoints in the order of the API's page."""
        return (
            self.compare,
            self.comparisons,
            self.next_pair,
            self.comparison,
            self.vote,
            self.undo_vote,
            self.skip_pair,
            self.side_maps,
        )

    async def compare(
        self,
        request: gr.Request,
        slide: str,
        box: dict[str, Any],
        question: str,
        options: list[str] | None = None,
        context: dict[str, Any] | None = None,
        findings: list[str] | None = None,
        task: str | None = None,
        points: list[Any] | None = None,
        paint_outside: bool = False,
        sampling: dict[str, Any] | None = None,
        max_pixels: int | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Ask for two answers to compare. Yields `{id, state, progress}`, then the comparison."""
        caller = await identify_caller(request, Action.ask)
        asked = read_value(
            QuestionRequest,
            slide=slide,
            box=box,
            question=question,
            options=options,
            context=context,
            findings=findings,
            task=task,
            points=points,
            paint_outside=paint_outside,
            sampling=sampling,
            max_pixels=max_pixels,
        )
        started = await self._comparisons.ask(caller, Client(), asked)
        async for update in stream_question_progress(self._questions, started["reading"], 2):
            yield update
        yield await self.comparison(request, started["id"])

    async def comparisons(self, request: gr.Request) -> Any:
        """List the worklists with pairs and your progress."""
        return await self._comparisons.lists(await identify_caller(request, Action.judge))

    async def next_pair(self, request: gr.Request, worklist: str) -> Any:
        """Return your open pair of a worklist, or the next one: `{comparison}`."""
        caller = await identify_caller(request, Action.judge)
        return await self._comparisons.next(caller, worklist)

    async def comparison(self, request: gr.Request, comparison: str) -> Any:
        """Return one of your comparisons; the models are named after your vote."""
        caller = await identify_caller(request, Action.judge)
        return await self._comparisons.show(caller, comparison)

    async def vote(
        self,
        request: gr.Request,
        comparison: str,
        choice: str,
        reasons: list[str] | None = None,
        comment: str | None = None,
        seconds: float | None = None,
        overlay_seen: bool | None = None,
        key: str | None = None,
    ) -> Any:
        """Vote `left`, `right`, `tie` or `both_bad`. A `key` sent again stores nothing new."""
        caller = await identify_caller(request, Action.judge)
        vote = read_value(
            VoteRequest,
            choice=choice,
            reasons=reasons,
            comment=comment,
            seconds=seconds,
            overlay_seen=overlay_seen,
            key=key or str(uuid4()),
        )
        return await self._comparisons.vote(caller, comparison, vote)

    async def undo_vote(self, request: gr.Request, comparison: str, key: str | None = None) -> Any:
        """Undo the vote; return the reopened comparison."""
        caller = await identify_caller(request, Action.judge)
        undo = read_value(UndoRequest, key=key or str(uuid4()))
        return await self._comparisons.undo(caller, comparison, undo)

    async def skip_pair(self, request: gr.Request, comparison: str) -> Any:
        """Skip a pair."""
        caller = await identify_caller(request, Action.judge)
        return await self._comparisons.skip(caller, comparison)

    async def side_maps(
        self,
        request: gr.Request,
        comparison: str,
        side: str,
        first: int | None = None,
        stop: int | None = None,
    ) -> Any:
        """Return the attention maps of the `left` or `right` answer, or of tokens `first:stop`."""
        caller = await identify_caller(request, Action.judge)
        name = read_value(SideQuery, side=side).side
        tokens = read_value(TokenQuery, first=first, stop=stop)
        return await self._comparisons.maps(caller, Client(), comparison, name, tokens)
