"""Named endpoints for `gradio_client`: the page's functions, for scripts.

Each endpoint calls the page's HTTP route through `InProcessClient`, so a script has the
permissions of its account. `Client.view_api()` shows the docstrings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import gradio as gr
from gradio.events import api

from pathviewer.api import user_messages
from pathviewer.api.gradio_comparison_endpoints import ComparisonEndpoints
from pathviewer.api.progress import stream_export_progress, stream_question_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from pathviewer.api.in_process_client import InProcessClient
    from pathviewer.questions.service import QuestionService

Json: TypeAlias = dict[str, Any]
JsonStream: TypeAlias = AsyncIterator[dict[str, Any]]


def add_endpoints(page: gr.Blocks, client: InProcessClient, questions: QuestionService) -> None:
    """Add every endpoint to the page, without a limit on concurrent calls."""
    question_endpoints = QuestionEndpoints(client, questions)
    feedback_endpoints = FeedbackEndpoints(client)
    comparison_endpoints = ComparisonEndpoints(client, questions)
    endpoints: tuple[Callable[..., Any], ...] = (
        question_endpoints.slides,
        question_endpoints.model,
        question_endpoints.questions,
        question_endpoints.preview,
        question_endpoints.ask,
        question_endpoints.again,
        question_endpoints.stop,
        question_endpoints.first_answer,
        question_endpoints.readings,
        question_endpoints.reading,
        question_endpoints.maps,
        question_endpoints.check,
        question_endpoints.report,
        question_endpoints.slide_map,
        comparison_endpoints.compare,
        comparison_endpoints.comparisons,
        comparison_endpoints.next_pair,
        comparison_endpoints.comparison,
        comparison_endpoints.vote,
        comparison_endpoints.undo_vote,
        comparison_endpoints.skip_pair,
        comparison_endpoints.side_maps,
        feedback_endpoints.judge,
        feedback_endpoints.judgments,
        feedback_endpoints.worklists,
        feedback_endpoints.next_item,
        feedback_endpoints.answer_item,
        feedback_endpoints.end_item,
        feedback_endpoints.worklist_report,
        feedback_endpoints.export,
        feedback_endpoints.export_choices,
        feedback_endpoints.insights,
        feedback_endpoints.audit,
    )
    with page:
        for endpoint in endpoints:
            api(endpoint, concurrency_limit=None)


class QuestionEndpoints:
    """Endpoints of slides, questions, completions and attention maps."""

    def __init__(self, client: InProcessClient, questions: QuestionService) -> None:
        self._client = client
        self._questions = questions

    async def slides(self, request: gr.Request) -> Any:
        """List the slides."""
        return await self._client.get(request, "/api/slides")

    async def model(self, request: gr.Request) -> Any:
        """Return the model and whether it is ready."""
        return await self._client.get(request, "/api/model")

    async def questions(self, request: gr.Request) -> Any:
        """Return the question templates with their options, and the known findings."""
        return await self._client.get(request, "/api/questions")

    async def preview(
        self,
        request: gr.Request,
        slide: str,
        box: Json,
        points: list[Any] | None = None,
        paint_outside: bool = False,
        max_pixels: int | None = None,
        task: str | None = None,
    ) -> Any:
        """Preview a region as the model will see it: picture, token grid, scale, warnings."""
        body: Json = {"box": box, "points": points, "paint_outside": paint_outside}
        body |= {"max_pixels": max_pixels, "task": task}
        return await self._client.post(request, "/api/slides/{}/preview", slide, **body)

    async def ask(
        self,
        request: gr.Request,
        slide: str,
        box: Json,
        question: str,
        options: list[str] | None = None,
        context: Json | None = None,
        findings: list[str] | None = None,
        task: str | None = None,
        points: list[Any] | None = None,
        paint_outside: bool = False,
        sampling: Json | None = None,
        max_pixels: int | None = None,
        count: int = 1,
        blind: bool = False,
    ) -> JsonStream:
        """Ask about a region. Yields `{id, state, progress}`, then the question with answers."""
        body: Json = {"slide": slide, "box": box, "question": question, "options": options}
        body |= {"context": context, "findings": findings, "task": task, "points": points}
        body |= {"paint_outside": paint_outside, "sampling": sampling, "count": count}
        body |= {"max_pixels": max_pixels, "blind": blind}
        created = await self._client.post(request, "/api/readings", **body)
        async for update in self._stream_answer(request, created["id"], count):
            yield update

    async def again(self, request: gr.Request, reading: str) -> JsonStream:
        """Ask a question again, with the same picture and seed, of the current model."""
        former = await self._client.get(request, "/api/readings/{}", reading)
        created = await self._client.post(request, "/api/readings/{}/again", reading)
        async for update in self._stream_answer(request, created["id"], former["count"]):
            yield update

    async def stop(self, request: gr.Request, reading: str) -> Any:
        """Stop a running question."""
        return await self._client.post(request, "/api/readings/{}/stop", reading)

    async def first_answer(
        self, request: gr.Request, reading: str, answer: str, confidence: int | None = None
    ) -> Any:
        """Give your own answer to a blind question; the model's answers are visible afterwards."""
        path, body = "/api/readings/{}/first-answer", {"answer": answer, "confidence": confidence}
        return await self._client.post(request, path, reading, **body)

    async def readings(
        self,
        request: gr.Request,
        slide: str | None = None,
        limit: int = 20,
        before: str | None = None,
    ) -> Any:
        """List your questions, newest first; `before`: the last id of the previous page."""
        query = {"slide": slide, "limit": limit, "before": before}
        return await self._client.get(request, "/api/readings", **query)

    async def reading(self, request: gr.Request, reading: str) -> Any:
        """Return a question with answers and provenance."""
        return await self._client.get(request, "/api/readings/{}", reading)

    async def maps(
        self,
        request: gr.Request,
        reading: str,
        index: int = 0,
        first: int | None = None,
        stop: int | None = None,
    ) -> Any:
        """Return the attention maps of each passage of an answer, or of tokens `first:stop`."""
        path = "/api/readings/{}/completions/{}/maps"
        return await self._client.get(request, path, reading, index, first=first, stop=stop)

    async def check(
        self, request: gr.Request, reading: str, index: int = 0, passage: str = "all"
    ) -> Any:
        """Run the deletion check: does an answer depend on the attended area? Takes a while."""
        path = "/api/readings/{}/completions/{}/deletion"
        return await self._client.post(request, path, reading, index, passage=passage)

    async def report(self, request: gr.Request, reading: str) -> Any:
        """Return a question as a printable HTML page."""
        return await self._client.get(request, "/api/readings/{}/report.html", reading)

    async def slide_map(self, request: gr.Request, slide: str) -> Any:
        """Return a slide's questions with their regions, verdicts and evidence regions."""
        return await self._client.get(request, "/api/slides/{}/map", slide)

    async def _stream_answer(self, request: gr.Request, question_id: str, count: int) -> JsonStream:
        async for update in stream_question_progress(self._questions, question_id, count):
            yield update
        yield await self.reading(request, question_id)


class FeedbackEndpoints:
    """Endpoints of feedback, worklists, exports, insights and the audit log."""

    def __init__(self, client: InProcessClient) -> None:
        self._client = client

    async def judge(
        self,
        request: gr.Request,
        completion: str,
        kind: str,
        said: Json,
        key: str | None = None,
    ) -> Any:
        """Give feedback on an answer. `kind`: `verdict`, `labels`, `edited_trace`, `evidence` or
        `preference`; `said`: its fields. A `key` sent again stores nothing new."""
        body = read_object(said) | {
            "completion": completion,
            "kind": kind,
            "key": key or str(uuid4()),
        }
        return await self._client.post(request, "/api/feedback", **body)

    async def judgments(self, request: gr.Request, completion: str) -> Any:
        """Return the feedback on an answer: yours, and others' once yours is complete."""
        return await self._client.get(request, "/api/completions/{}/feedback", completion)

    async def worklists(self, request: gr.Request) -> Any:
        """List the worklists and your progress."""
        return await self._client.get(request, "/api/worklists")

    async def next_item(self, request: gr.Request, worklist: str) -> Any:
        """Return your open item of a worklist, or the next one."""
        return await self._client.post(request, "/api/worklists/{}/next", worklist)

    async def answer_item(
        self, request: gr.Request, item: str, answer: str, confidence: int | None = None
    ) -> Any:
        """Give your own answer to an item, before you see the model's."""
        path, body = "/api/worklist-items/{}/first-answer", {"answer": answer}
        return await self._client.post(request, path, item, confidence=confidence, **body)

    async def end_item(self, request: gr.Request, item: str, skipped: bool = False) -> Any:
        """Finish a judged item, or skip it."""
        return await self._client.post(request, "/api/worklist-items/{}/end", item, skipped=skipped)

    async def worklist_report(self, request: gr.Request, worklist: str) -> Any:
        """Return a worklist as a printable HTML page; for researchers and administrators."""
        return await self._client.get(request, "/api/worklists/{}/report.html", worklist)

    async def export(
        self,
        request: gr.Request,
        format: str,  # noqa: A002  as the route and the command line have it
        rule: str = "each",
        splits: str = "0.8,0.1,0.1",
        select: Json | None = None,
        comments: bool = False,
        teaching: bool = False,
        licence: str | None = None,
    ) -> JsonStream:
        """Export feedback as a data set. Yields the progress, at the end with `archive`, the zip
        file's path. `select`: since, until, models, question_types, raters, cases."""
        body = read_object(select) | {"format": format, "rule": rule, "splits": splits}
        body |= {"comments": comments, "teaching": teaching, "licence": licence}
        created = await self._client.post(request, "/api/exports", **body)
        async for job in stream_export_progress(self._client, request, created["id"]):
            if job["state"] == "failed":
                raise gr.Error(job["error"], print_exception=False)
            yield job

    async def export_choices(self, request: gr.Request) -> Any:
        """Return the formats and the values by which an export can be filtered."""
        return await self._client.get(request, "/api/exports/choices")

    async def insights(self, request: gr.Request, select: Json | None = None) -> Any:
        """Return the charts of insights with their numbers. `select`: as GET /api/insights."""
        return await self._client.get(request, "/api/insights", **read_object(select))

    async def audit(self, request: gr.Request, after: int = 0, limit: int = 100) -> Any:
        """Return audit entries after an id, oldest first; for administrators."""
        return await self._client.get(request, "/api/audit", after=after, limit=limit)


def read_object(value: Json | None) -> Json:
    """Return a script's object, or {} for None. Raises `gr.Error` for other values."""
    if not isinstance(value, dict | None):
        raise gr.Error(user_messages.ARGUMENTS_NOT_OBJECTS, print_exception=False)
    return dict(value or {})
