"""What can be asked of which model, and what it will see of a region."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import ModelError
from models.placement import FACTOR
from models.prompts import findings, templates
from models.registry import SCRIPTED, known_models
from pathviewer.api.request_body import json_object
from pathviewer.api.routes.questions import sentences
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import Kind
from pathviewer.questions.engine import ModelEngine
from pathviewer.questions.model_input import MOST_PIXELS, Pictures, scale_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from pathviewer.auth.slide_access_log import Openings
    from pathviewer.common.work_queue import Work


def question_routes(
    engine: ModelEngine, pictures: Pictures, openings: Openings, work: Work
) -> list[Route]:
    """`GET /api/model`, `GET /api/questions`, `POST /api/slides/{id}/preview`."""

    async def model(request: Request) -> Response:
        require(request.scope, Action.view_slides)
        return JSONResponse(await run_in_threadpool(_model_facts, engine, pictures))

    async def questions(request: Request) -> Response:
        require(request.scope, Action.view_slides)
        return JSONResponse(await run_in_threadpool(_questions, pictures))

    async def preview(request: Request) -> Response:
        identity = require(request.scope, Action.ask)
        body, slide = await json_object(request), request.path_params["slide_id"]

        account = identity.account_id

        def read() -> dict[str, Any]:
            return sentences(lambda: _preview(pictures, slide, body, account))

        seen = await work.run(request, Kind.preview, account, work.pictures, read)
        await openings.see(identity, slide)
        return JSONResponse(seen)

    return [
        Route("/api/model", model, methods=["GET"]),
        Route("/api/questions", questions, methods=["GET"]),
        Route("/api/slides/{slide_id}/preview", preview, methods=["POST"]),
    ]


def _model_facts(engine: ModelEngine, pictures: Pictures) -> dict[str, Any]:
    """The model as the ask panel shows it."""
    status = engine.status()
    facts: dict[str, Any] = {"state": status.state, "sentence": status.sentence}
    facts |= {"waiting": status.waiting, "cell_pixels": FACTOR, "max_pixels_limit": MOST_PIXELS}
    facts["layers"] = status.info.layers if status.info else None
    try:
        known = pictures.model
    except ModelError:
        none = {"name": "", "specimen": False, "question_types": None, "budget": None}
        return facts | none
    return facts | {
        "name": known.name,
        "specimen": bool(known.question_types),
        "question_types": list(known.question_types) or None,
        "budget": vars(known.budget),
    }


def _questions(pictures: Pictures) -> dict[str, Any]:
    """Templates, those that the model keeps to first with its own options, and findings."""
    every = next(model for model in known_models() if model.name == SCRIPTED)
    try:
        model = pictures.model
    except ModelError:
        model = every
    own = templates(model)
    names = {template.task for template in own}
    rest = [template for template in templates(every) if template.task not in names]
    tasks = [
        {
            "task": template.task,
            "label": template.label,
            "text": template.text,
            "options": list(template.options),
            "needs_finding": template.needs_finding,
            "known": template.task in names,
        }
        for template in (*own, *rest)
    ]
    told = [{"name": name, "text": "; ".join(text)} for name, text in findings().items()]
    return {"tasks": tasks, "findings": told}


def _preview(
    pictures: Pictures, slide_id: str, body: Mapping[str, Any], account_id: str
) -> dict[str, Any]:
    """What the model will see. Raises SlideError and ModelError."""
    picture = pictures.picture(slide_id, pictures.shown(body), account_id)
    width, height = picture.pixels.size
    task = body.get("task")
    return scale_facts(picture, task if isinstance(task, str) else None) | {
        "width": width,
        "height": height,
        "columns": width // FACTOR,
        "rows": height // FACTOR,
        "cells": [FACTOR, FACTOR],
        "colours": picture.colours,
        "picture": "data:image/png;base64," + base64.b64encode(picture.image.data).decode(),
    }
