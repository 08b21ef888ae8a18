"""Routes of the model, the question templates and the preview of a region."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import ModelError
from models.placement import FACTOR
from models.prompts import list_templates, read_findings
from models.registry import SCRIPTED_MODEL, list_models
from pathviewer.api.request_body import read_json_object
from pathviewer.api.routes.questions import refuse_model_errors
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WorkKind
from pathviewer.questions.engine import EngineService
from pathviewer.questions.model_input import MOST_PIXELS, Pictures, scale_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.common.work_queue import Work


def question_preview_routes(
    engine_service: EngineService, pictures: Pictures, openings: SlideAccessLog, work: Work
) -> list[Route]:
    """Return `GET /api/model`, `GET /api/questions`, `POST /api/slides/{id}/preview`."""

    async def model(request: Request) -> Response:
        require(request.scope, Action.view_slides)
        return JSONResponse(await run_in_threadpool(_model_facts, engine_service, pictures))

    async def questions(request: Request) -> Response:
        require(request.scope, Action.view_slides)
        return JSONResponse(await run_in_threadpool(_question_templates, pictures))

    async def preview(request: Request) -> Response:
        identity = require(request.scope, Action.ask)
        body, slide = await read_json_object(request), request.path_params["slide_id"]

        account = identity.account_id

        def read() -> dict[str, Any]:
            return refuse_model_errors(lambda: _preview(pictures, slide, body, account))

        facts = await work.run(request, WorkKind.preview, account, work.pictures, read)
        await openings.log_view(identity, slide)
        return JSONResponse(facts)

    return [
        Route("/api/model", model, methods=["GET"]),
        Route("/api/questions", questions, methods=["GET"]),
        Route("/api/slides/{slide_id}/preview", preview, methods=["POST"]),
    ]


def _model_facts(engine_service: EngineService, pictures: Pictures) -> dict[str, Any]:
    """Return the model's facts for the ask panel."""
    status = engine_service.status()
    facts: dict[str, Any] = {"state": status.state, "sentence": status.sentence}
    facts |= {"waiting": status.waiting, "cell_pixels": FACTOR, "max_pixels_limit": MOST_PIXELS}
    facts["layers"] = status.info.layers if status.info else None
    try:
        registered = pictures.model
    except ModelError:
        unknown = {"name": "", "specimen": False, "question_types": None, "budget": None}
        return facts | unknown
    return facts | {
        "name": registered.name,
        "specimen": bool(registered.question_types),
        "question_types": list(registered.question_types) or None,
        "budget": vars(registered.budget),
    }


def _question_templates(pictures: Pictures) -> dict[str, Any]:
    """Return the findings and templates; the model's own templates come first, with its options."""
    scripted = next(model for model in list_models() if model.name == SCRIPTED_MODEL)
    try:
        model = pictures.model
    except ModelError:
        model = scripted
    own_templates = list_templates(model)
    names = {template.task for template in own_templates}
    other_templates = [
        template for template in list_templates(scripted) if template.task not in names
    ]
    tasks = [
        {
            "task": template.task,
            "label": template.label,
            "text": template.text,
            "options": list(template.options),
            "needs_finding": template.needs_finding,
            "known": template.task in names,
        }
        for template in (*own_templates, *other_templates)
    ]
    finding_texts = [
        {"name": name, "text": "; ".join(text)} for name, text in read_findings().items()
    ]
    return {"tasks": tasks, "findings": finding_texts}


def _preview(
    pictures: Pictures, slide_id: str, body: Mapping[str, Any], account_id: str
) -> dict[str, Any]:
    """Return what the model will see. Raises QuestionRefused, SlideError and ModelError."""
    picture = pictures.make_picture(slide_id, pictures.read_selection(body), account_id)
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
