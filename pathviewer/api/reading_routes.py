"""Asking about a region, hearing the answer as it is written, finding it again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from models.errors import ModelError, PromptError
from models.messages import Sampling
from models.prompts import Question, build_prompt, templates
from pathviewer.api.reading_access import own_reading
from pathviewer.api.request_body import json_object
from pathviewer.auth.identity import Identity, require
from pathviewer.auth.roles import Action
from pathviewer.reading.asked import Asked
from pathviewer.reading.errors import ReadingRefused
from pathviewer.reading.live import LiveReading
from pathviewer.reading.live_readings import LiveReadings
from pathviewer.reading.question import Pictures, Shown, whole

if TYPE_CHECKING:
    from starlette.requests import Request

    from models.registry import RegisteredModel
    from pathviewer.slides.library import SlideLibrary

T = TypeVar("T")
LOOK_SECONDS = 0.03
"""How often a stream looks for events that a thread has added."""
BREATH_SECONDS = 15.0
"""Longest silence of a stream; proxies cut connections that say nothing."""
MOST_ANSWERS = 8
MOST_ROWS = 100
LONGEST_ANSWER = 1_000
CONTEXT = {"organ": "Organ", "specimen": "Specimen", "stain": "Stain", "history": "History"}
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def sentences(make: Callable[[], T]) -> T:
    """What `make` gives; a ModelError becomes an error whose sentence the page shows."""
    try:
        return make()
    except PromptError as error:
        raise ReadingRefused(str(error)) from error
    except ModelError as error:
        raise ReadingRefused(str(error), 503) from error


def reading_routes(
    library: SlideLibrary, pictures: Pictures, readings: LiveReadings
) -> list[Route]:
    """Everything about readings; all need `ask`."""
    routes = ReadingRoutes(library, pictures, readings)
    one = "/api/readings/{reading_id}"
    return [
        Route("/api/readings", routes.ask, methods=["POST"]),
        Route("/api/readings", routes.rows, methods=["GET"]),
        Route(one, routes.show, methods=["GET"]),
        Route(one + "/events", routes.events, methods=["GET"]),
        Route(one + "/stop", routes.stop, methods=["POST"]),
        Route(one + "/first-answer", routes.first_answer, methods=["POST"]),
        Route(one + "/picture.png", routes.picture, methods=["GET"]),
    ]


class ReadingRoutes:
    """The handlers; pixels are read in threads."""

    def __init__(self, library: SlideLibrary, pictures: Pictures, readings: LiveReadings) -> None:
        self._library = library
        self._pictures = pictures
        self._readings = readings

    async def ask(self, request: Request) -> Response:
        """`POST`: 201 with the reading's id."""
        identity = require(request.scope, Action.ask)
        body = await json_object(request)
        reading = await run_in_threadpool(lambda: sentences(lambda: self._ask(identity, body)))
        return JSONResponse({"id": reading.id}, 201)

    async def rows(self, request: Request) -> Response:
        """`GET ?slide=ID&limit=`: the account's own, short, the newest first."""
        identity = require(request.scope, Action.ask)
        limit = request.query_params.get("limit", "20")
        most = min(MOST_ROWS, int(limit)) if limit.isascii() and limit.isdigit() else 20
        found = self._readings.of(identity.account_id, request.query_params.get("slide"))
        return JSONResponse([_row(reading.as_json()) for reading in found[:most]])

    async def show(self, request: Request) -> Response:
        """`GET`: the whole reading."""
        return JSONResponse(own_reading(request, self._readings).as_json())

    async def events(self, request: Request) -> Response:
        """`GET`: what happens, as server-sent events; Last-Event-ID goes on after that one."""
        reading = own_reading(request, self._readings)
        last = request.headers.get("last-event-id", "0")
        number = int(last) if last.isascii() and last.isdigit() else 0
        return StreamingResponse(
            _stream(reading, number), media_type="text/event-stream", headers=_STREAM_HEADERS
        )

    async def stop(self, request: Request) -> Response:
        """`POST`: 202; what is written ends within a token."""
        reading = own_reading(request, self._readings)
        await run_in_threadpool(self._readings.stop, reading)
        return JSONResponse({"id": reading.id}, 202)

    async def first_answer(self, request: Request) -> Response:
        """`POST {answer, confidence?}`: 200, or 409 where there is one already."""
        identity, reading = require(request.scope, Action.ask), own_reading(request, self._readings)
        if identity.account_id != reading.asked.account_id:
            raise ReadingRefused("Only whoever asked answers first.", 403)
        body = await json_object(request)
        answer = body.get("answer")
        if not isinstance(answer, str) or not 0 < len(answer.strip()) <= LONGEST_ANSWER:
            raise ReadingRefused(f"An answer has 1 to {LONGEST_ANSWER:,} characters.")
        sure = None if body.get("confidence") is None else whole(body, "confidence", 1, 5)
        reading.freeze_answer(answer.strip(), sure)
        return JSONResponse({"id": reading.id})

    async def picture(self, request: Request) -> Response:
        """`GET`: the very picture that the model saw."""
        return Response(
            own_reading(request, self._readings).asked.prompt.images[0].data, media_type="image/png"
        )

    def _ask(self, identity: Identity, body: Mapping[str, Any]) -> LiveReading:
        slide_id = body.get("slide")
        if not isinstance(slide_id, str):
            raise ReadingRefused("Name the slide.")
        self._readings.check_model()
        shown = self._pictures.shown(body)
        question = _question(body)
        sampling = _sampling(body)
        count = whole({"count": 1, **body}, "count", 1, MOST_ANSWERS)
        picture = self._pictures.picture(slide_id, shown)
        prompt = build_prompt(question, (picture.image,), self._pictures.model)
        facts = self._facts(slide_id, shown, body) | {
            "prompt": prompt.text,
            "system": prompt.system,
            "sampling": vars(sampling),
            "count": count,
            "picture": {
                "width": picture.pixels.width,
                "height": picture.pixels.height,
                "mpp": picture.mpp,
            },
        }
        asked = Asked(
            account_id=identity.account_id,
            slide_id=slide_id,
            facts=facts,
            prompt=prompt,
            sampling=sampling,
            budget=shown.budget,
            options=tuple(question.options),
            count=count,
            blind=body.get("blind") is True,
        )
        return self._readings.start(asked)

    def _facts(self, slide_id: str, shown: Shown, body: Mapping[str, Any]) -> dict[str, Any]:
        """What the page sees again of its own question."""
        model = self._pictures.model
        task = body["task"] if _is_text(body.get("task")) else _task_of(body, model)
        told = body.get("context") or {}
        known = not model.question_types or task in model.question_types
        return {
            "slide": {"id": slide_id, "name": self._library.entry(slide_id).name},
            "box": vars(shown.region),
            "points": [list(point) for point in shown.points] or None,
            "paint_outside": shown.paint_outside,
            "question": body.get("question"),
            "options": list(body.get("options") or ()),
            "context": {name: told[name] for name in CONTEXT if name in told},
            "task": task,
            "outside_known_types": not known,
            "model": model.name,
            "budget": vars(shown.budget),
            "blind": body.get("blind") is True,
        }


async def _stream(reading: LiveReading, number: int) -> AsyncIterator[str]:
    """Events after `number` as text, until the reading has ended."""
    silent = 0.0
    while True:
        for number, event in reading.since(number):  # noqa: B020  goes on after the last
            silent = 0.0
            yield f"id: {number}\ndata: {json.dumps(event)}\n\n"
            if event["type"] in ("done", "failed"):
                return
        await anyio.sleep(LOOK_SECONDS)
        silent += LOOK_SECONDS
        if silent > BREATH_SECONDS:
            silent = 0.0
            yield ": still here\n\n"


def _question(body: Mapping[str, Any]) -> Question:
    """Raises ReadingRefused for what is not text."""
    text, options = body.get("question"), body.get("options") or []
    context, findings = body.get("context") or {}, body.get("findings") or []
    lists = isinstance(options, list) and isinstance(findings, list) and isinstance(context, dict)
    if not lists or not all(map(_is_text, (text, *options, *findings, *context.values()))):
        raise ReadingRefused("Question, options, findings and context are texts.")
    told = [f"{CONTEXT[name]}: {context[name]}" for name in CONTEXT if context.get(name)]
    return Question(str(text), tuple(options), "\n".join(told), tuple(findings))


def _task_of(body: Mapping[str, Any], model: RegisteredModel) -> str | None:
    """The task whose template the question is word for word, None if it is none of them."""
    typed = str(body.get("question")).strip()
    return next((one.task for one in templates(model) if one.text == typed), None)


def _is_text(part: object) -> bool:
    """Whether it is a text that UTF-8 can hold: half of a surrogate pair is none."""
    return isinstance(part, str) and not any("\ud800" <= letter <= "\udfff" for letter in part)


def _sampling(body: Mapping[str, Any]) -> Sampling:
    """Raises ReadingRefused for what is not a number, PromptError for one out of range."""
    given = body.get("sampling") or {}
    if not isinstance(given, dict):
        raise ReadingRefused("Sampling is an object, as in {...}.")
    sampling = Sampling()
    if "temperature" in given:
        value = given["temperature"]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ReadingRefused("The temperature is a number from 0 to 2.")
        sampling = replace(sampling, temperature=float(value))
    if "seed" in given:
        sampling = replace(sampling, seed=whole(given, "seed", 0, 2**53 - 1))
    if "max_new_tokens" in given:
        most = whole(given, "max_new_tokens", 1, 4_096)
        sampling = replace(sampling, max_new_tokens=most)
    return sampling


def _row(reading: Mapping[str, Any]) -> dict[str, Any]:
    answers = [one["trace"]["answer"] for one in reading["completions"]]
    return {name: reading[name] for name in ("id", "created_at", "question", "box", "model")} | {
        "answers": [answer and answer["text"] for answer in answers]
    }
