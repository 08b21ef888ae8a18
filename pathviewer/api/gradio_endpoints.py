"""Named endpoints for `gradio_client`: the page's functions, for scripts.

Each endpoint calls the handler of the page's HTTP route, so a script has the permissions of its
account. `Client.view_api()` shows the docstrings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import gradio as gr
from gradio.events import api
from starlette.responses import Response

from pathviewer.api.gradio_caller import guard_endpoint, identify_caller
from pathviewer.api.gradio_comparison_endpoints import ComparisonEndpoints
from pathviewer.api.progress import stream_export_progress, stream_question_progress
from pathviewer.api.schemas.exports import ExportRequest
from pathviewer.api.schemas.insights import InsightsQuery
from pathviewer.api.schemas.maps import EvidenceMapsRequest, TokenQuery
from pathviewer.api.schemas.questions import DeletionCheckRequest, HistoryQuery
from pathviewer.api.schemas.service import AuditQuery
from pathviewer.api.schemas.worklists import EndRequest
from pathviewer.auth.roles import Action
from pathviewer.common.validation import read_value
from pathviewer.common.work_queue import Client
from pathviewer.feedback.request import FeedbackRequest, OwnAnswerRequest
from pathviewer.questions.request import PreviewRequest, QuestionRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pathviewer.api.routes.api_routes import ApiRoutes
    from pathviewer.questions.service import QuestionService

Json: TypeAlias = dict[str, Any]
JsonStream: TypeAlias = AsyncIterator[dict[str, Any]]
CLIENT = Client()
"""Gradio does not report that a client has disconnected."""


def add_endpoints(page: gr.Blocks, routes: ApiRoutes, questions: QuestionService) -> None:
    """Add every endpoint to the page, without a limit on concurrent calls."""
    asked = QuestionEndpoints(routes, questions)
    judged = FeedbackEndpoints(routes)
    compared = ComparisonEndpoints(routes, questions)
    with page:
        for endpoint in (*asked.endpoints(), *compared.endpoints(), *judged.endpoints()):
            api(guard_endpoint(endpoint), concurrency_limit=None)


class QuestionEndpoints:
    """Endpoints of slides, questions, completions and attention maps."""

    def __init__(self, routes: ApiRoutes, questions: QuestionService) -> None:
        self._routes = routes
        self._questions = questions

    def endpoints(self) -> tuple[Callable[..., Any], ...]:
        """Return the endpoints in the order of the API's page."""
        return (
            self.slides,
            self.model,
            self.questions,
            self.preview,
            self.ask,
            self.again,
            self.stop,
            self.first_answer,
            self.readings,
            self.reading,
            self.maps,
            self.check,
            self.evidence,
            self.report,
            self.slide_map,
        )

    async def slides(self, request: gr.Request) -> Any:
        """List the slides."""
        caller = await identify_caller(request, Action.view_slides)
        return await self._routes.slides.slides(caller)

    async def model(self, request: gr.Request) -> Any:
        """Return the model and whether it is ready."""
        caller = await identify_caller(request, Action.view_slides)
        return await self._routes.preview.model(caller)

    async def questions(self, request: gr.Request) -> Any:
        """Return the question templates with their options, and the known findings."""
        caller = await identify_caller(request, Action.view_slides)
        return await self._routes.preview.questions(caller)

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
        caller = await identify_caller(request, Action.ask)
        region = read_value(
            PreviewRequest,
            box=box,
            points=points,
            paint_outside=paint_outside,
            max_pixels=max_pixels,
            task=task,
        )
        return await self._routes.preview.preview(caller, CLIENT, slide, region)

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
            count=count,
            blind=blind,
        )
        stored = await self._routes.questions.ask(caller, CLIENT, asked)
        async for update in self._stream_answer(request, stored["id"], count):
            yield update

    async def again(self, request: gr.Request, reading: str) -> JsonStream:
        """Ask a question again, with the same picture and seed, of the current model."""
        caller = await identify_caller(request, Action.ask)
        former = await self._routes.questions.show(caller, reading)
        stored = await self._routes.questions.again(caller, reading)
        async for update in self._stream_answer(request, stored["id"], former["count"]):
            yield update

    async def stop(self, request: gr.Request, reading: str) -> Any:
        """Stop a running question."""
        caller = await identify_caller(request, Action.ask)
        return await self._routes.questions.stop(caller, reading)

    async def first_answer(
        self, request: gr.Request, reading: str, answer: str, confidence: int | None = None
    ) -> Any:
        """Give your own answer to a blind question; the model's answers are visible afterwards."""
        caller = await identify_caller(request, Action.ask)
        own = read_value(OwnAnswerRequest, answer=answer, confidence=confidence)
        return await self._routes.questions.first_answer(caller, reading, own)

    async def readings(
        self,
        request: gr.Request,
        slide: str | None = None,
        limit: int = 20,
        before: str | None = None,
    ) -> Any:
        """List your questions, newest first; `before`: the last id of the previous page."""
        caller = await identify_caller(request, Action.ask)
        query = read_value(HistoryQuery, slide=slide, limit=limit, before=before)
        return await self._routes.questions.rows(caller, query)

    async def reading(self, request: gr.Request, reading: str) -> Any:
        """Return a question with answers and provenance."""
        caller = await identify_caller(request, Action.ask)
        return await self._routes.questions.show(caller, reading)

    async def maps(
        self,
        request: gr.Request,
        reading: str,
        index: int = 0,
        first: int | None = None,
        stop: int | None = None,
    ) -> Any:
        """Return the attention maps of each passage of an answer, or of tokens `first:stop`."""
        caller = await identify_caller(request, Action.ask)
        tokens = read_value(TokenQuery, first=first, stop=stop)
        return await self._routes.maps.maps(caller, CLIENT, reading, index, tokens)

    async def check(
        self, request: gr.Request, reading: str, index: int = 0, passage: str = "all"
    ) -> Any:
        """Run the deletion check: does an answer depend on the attended area? Takes a while."""
        caller = await identify_caller(request, Action.ask)
        passage_request = read_value(DeletionCheckRequest, passage=passage)
        return await self._routes.deletion_check.check(
            caller, CLIENT, reading, index, passage_request
        )

    async def evidence(
        self,
        request: gr.Request,
        reading: str,
        index: int = 0,
        first: int | None = None,
        stop: int | None = None,
    ) -> Any:
        """Return what each passage of an answer, or tokens `first:stop`, depends on; takes long."""
        caller = await identify_caller(request, Action.ask)
        words = read_value(EvidenceMapsRequest, first=first, stop=stop)
        return await self._routes.evidence.find(caller, CLIENT, reading, index, words)

    async def report(self, request: gr.Request, reading: str) -> Any:
        """Return a question as a printable HTML page."""
        caller = await identify_caller(request, Action.ask)
        page = await self._routes.report.report(caller, reading)
        return bytes(page.body).decode()

    async def slide_map(self, request: gr.Request, slide: str) -> Any:
        """Return a slide's questions with their regions, verdicts and evidence regions."""
        caller = await identify_caller(request, Action.ask)
        return await self._routes.slide_map.slide_map(caller, slide)

    async def _stream_answer(self, request: gr.Request, question_id: str, count: int) -> JsonStream:
        async for update in stream_question_progress(self._questions, question_id, count):
            yield update
        yield await self.reading(request, question_id)


class FeedbackEndpoints:
    """Endpoints of feedback, worklists, exports, insights and the audit log."""

    def __init__(self, routes: ApiRoutes) -> None:
        self._routes = routes

    def endpoints(self) -> tuple[Callable[..., Any], ...]:
        """Return the endpoints in the order of the API's page."""
        return (
            self.judge,
            self.judgments,
            self.worklists,
            self.next_item,
            self.answer_item,
            self.end_item,
            self.worklist_report,
            self.export,
            self.export_choices,
            self.insights,
            self.audit,
        )

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
        caller = await identify_caller(request, Action.judge)
        named = {"completion": completion, "kind": kind, "key": key or str(uuid4())}
        any_feedback: Any = FeedbackRequest
        feedback = read_value(any_feedback, **said | named)
        return await self._routes.feedback.add(caller, feedback, Response())

    async def judgments(self, request: gr.Request, completion: str) -> Any:
        """Return the feedback on an answer: yours, and others' once yours is complete."""
        caller = await identify_caller(request, Action.judge)
        return await self._routes.feedback.show(caller, completion)

    async def worklists(self, request: gr.Request) -> Any:
        """List the worklists and your progress."""
        caller = await identify_caller(request, Action.judge)
        return await self._routes.worklists.lists(caller)

    async def next_item(self, request: gr.Request, worklist: str) -> Any:
        """Return your open item of a worklist, or the next one."""
        caller = await identify_caller(request, Action.judge)
        return await self._routes.worklists.next(caller, worklist)

    async def answer_item(
        self, request: gr.Request, item: str, answer: str, confidence: int | None = None
    ) -> Any:
        """Give your own answer to an item, before you see the model's."""
        caller = await identify_caller(request, Action.judge)
        own = read_value(OwnAnswerRequest, answer=answer, confidence=confidence)
        return await self._routes.worklists.first_answer(caller, item, own)

    async def end_item(self, request: gr.Request, item: str, skipped: bool = False) -> Any:
        """Finish a judged item, or skip it."""
        caller = await identify_caller(request, Action.judge)
        ending = read_value(EndRequest, skipped=skipped)
        return await self._routes.worklists.end(caller, item, ending)

    async def worklist_report(self, request: gr.Request, worklist: str) -> Any:
        """Return a worklist as a printable HTML page; for researchers and administrators."""
        caller = await identify_caller(request, Action.see_insights)
        page = await self._routes.worklist_report.report(caller, worklist)
        return "".join([str(part) async for part in page.body_iterator])

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
        caller = await identify_caller(request, Action.export)
        named: Json = {"format": format, "rule": rule, "splits": splits}
        named |= {"comments": comments, "teaching": teaching, "licence": licence}
        started = await self._routes.exports.begin(
            caller, read_value(ExportRequest, **(select or {}) | named)
        )

        async def find() -> Json:
            again = await identify_caller(request, Action.export)
            return await self._routes.exports.show(again, started["id"])

        async for job in stream_export_progress(find):
            if job["state"] == "failed":
                raise gr.Error(job["error"], print_exception=False)
            yield job

    async def export_choices(self, request: gr.Request) -> Any:
        """Return the formats and the values by which an export can be filtered."""
        caller = await identify_caller(request, Action.export)
        return await self._routes.exports.choices(caller)

    async def insights(self, request: gr.Request, select: Json | None = None) -> Any:
        """Return the charts of insights with their numbers. `select`: as GET /api/insights."""
        caller = await identify_caller(request, Action.see_insights)
        query = read_value(InsightsQuery, **(select or {}))
        return await self._routes.insights.all_charts(caller, CLIENT, query)

    async def audit(self, request: gr.Request, after: int = 0, limit: int = 100) -> Any:
        """Return audit entries after an id, oldest first; for administrators."""
        caller = await identify_caller(request, Action.read_audit)
        return await self._routes.audit.entries(
            caller, read_value(AuditQuery, after=after, limit=limit)
        )
