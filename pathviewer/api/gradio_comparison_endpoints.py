"""Named Gradio endpoints of comparisons and votes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import gradio as gr

from pathviewer.api.progress import stream_question_progress

if TYPE_CHECKING:
    from pathviewer.api.in_process_client import InProcessClient
    from pathviewer.questions.service import QuestionService

COMPARISON_PATH = "/api/comparisons/{}"


class ComparisonEndpoints:
    """Endpoints with the functions of the page /compare."""

    def __init__(self, client: InProcessClient, questions: QuestionService) -> None:
        self._client = client
        self._questions = questions

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
        body: dict[str, Any] = {"slide": slide, "box": box, "question": question}
        body |= {"options": options, "context": context, "findings": findings, "task": task}
        body |= {"points": points, "paint_outside": paint_outside, "sampling": sampling}
        created = await self._client.post(
            request, "/api/comparisons", max_pixels=max_pixels, **body
        )
        async for update in stream_question_progress(self._questions, created["reading"], 2):
            yield update
        yield await self.comparison(request, created["id"])

    async def comparisons(self, request: gr.Request) -> Any:
        """List the worklists with pairs and your progress."""
        return await self._client.get(request, "/api/comparisons")

    async def next_pair(self, request: gr.Request, worklist: str) -> Any:
        """Return your open pair of a worklist, or the next one: `{comparison}`."""
        return await self._client.post(request, "/api/worklists/{}/compare", worklist)

    async def comparison(self, request: gr.Request, comparison: str) -> Any:
        """Return one of your comparisons; the models are named after your vote."""
        return await self._client.get(request, COMPARISON_PATH, comparison)

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
        body: dict[str, Any] = {"choice": choice, "reasons": reasons, "comment": comment}
        body |= {"seconds": seconds, "overlay_seen": overlay_seen, "key": key or str(uuid4())}
        return await self._client.post(request, COMPARISON_PATH + "/vote", comparison, **body)

    async def undo_vote(self, request: gr.Request, comparison: str, key: str | None = None) -> Any:
        """Undo the vote; return the reopened comparison."""
        key = key or str(uuid4())
        return await self._client.post(request, COMPARISON_PATH + "/undo", comparison, key=key)

    async def skip_pair(self, request: gr.Request, comparison: str) -> Any:
        """Skip a pair."""
        return await self._client.post(request, COMPARISON_PATH + "/skip", comparison)

    async def side_maps(
        self,
        request: gr.Request,
        comparison: str,
        side: str,
        first: int | None = None,
        stop: int | None = None,
    ) -> Any:
        """Return the attention maps of the `left` or `right` answer, or of tokens `first:stop`."""
        path = COMPARISON_PATH + "/{}/maps"
        return await self._client.get(request, path, comparison, side, first=first, stop=stop)
