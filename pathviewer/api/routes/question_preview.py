"""Routes of the model, the question templates and the preview of a region."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from models.errors import ModelError
from models.placement import FACTOR
from models.prompts import list_templates, read_findings
from models.registry import SCRIPTED_MODEL, list_models
from pathviewer.api.json_route import Asker, Connection, Viewer, json_router
from pathviewer.api.schemas.questions import ModelFacts, PreviewOut, QuestionTemplates
from pathviewer.common.work_queue import READS, WorkKind
from pathviewer.questions.engine import EngineService
from pathviewer.questions.model_input import Pictures, scale_facts
from pathviewer.questions.request import MOST_PIXELS, PreviewRequest

if TYPE_CHECKING:
    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.common.work_queue import Work


class QuestionPreviewRoutes:
    """Handlers, also called by the Gradio endpoints."""

    def __init__(
        self,
        engine_service: EngineService,
        pictures: Pictures,
        openings: SlideAccessLog,
        work: Work,
    ) -> None:
        self._engine_service = engine_service
        self._pictures = pictures
        self._openings = openings
        self._work = work

    def router(self) -> APIRouter:
        """Return the routes."""
        router = json_router()
        router.get("/api/model", response_model=ModelFacts)(self.model)
        router.get("/api/questions", response_model=QuestionTemplates)(self.questions)
        router.post("/api/slides/{slide_id}/preview", response_model=PreviewOut)(self.preview)
        return router

    async def model(self, caller: Viewer) -> dict[str, Any]:
        """Return the configured model and its state."""
        engine_service, pictures = self._engine_service, self._pictures
        return await READS.run(lambda: _model_facts(engine_service, pictures), caller.bound_key)

    async def questions(self, caller: Viewer) -> dict[str, Any]:
        """Return the questions and findings that the page offers."""
        return await READS.run(lambda: _question_templates(self._pictures), caller.bound_key)

    async def preview(
        self, caller: Asker, client: Connection, slide_id: str, region: PreviewRequest
    ) -> dict[str, Any]:
        """Show what the model will see of a region."""

        def read() -> dict[str, Any]:
            return _preview(self._pictures, slide_id, region, caller.account_id)

        facts = await self._work.run(
            client, WorkKind.preview, caller.account_id, self._work.pictures, read
        )
        await self._openings.log_view(caller, slide_id)
        return facts


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
    pictures: Pictures, slide_id: str, region: PreviewRequest, account_id: str
) -> dict[str, Any]:
    """Return what the model will see. Raises QuestionRefused, SlideError and ModelError."""
    pictures.check_region(slide_id, region)
    picture = pictures.make_picture(slide_id, region, account_id)
    width, height = picture.pixels.size
    return scale_facts(picture, region.task) | {
        "width": width,
        "height": height,
        "columns": width // FACTOR,
        "rows": height // FACTOR,
        "cells": [FACTOR, FACTOR],
        "colours": picture.colours,
        "picture": "data:image/png;base64," + base64.b64encode(picture.image.data).decode(),
    }
