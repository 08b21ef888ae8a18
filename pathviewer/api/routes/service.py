"""Routes of the service: health with model state, and the caller's account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from pathviewer import __version__
from pathviewer.api.json_route import Caller, json_router
from pathviewer.api.schemas.service import Health, Me
from pathviewer.auth.identity import LOCAL
from pathviewer.auth.roles import Action

if TYPE_CHECKING:
    from models.engines.base import EngineStatus
    from pathviewer.questions.engine import EngineService
    from pathviewer.settings import Settings


class ServiceRoutes:
    """Handlers."""

    def __init__(self, settings: Settings, engine_service: EngineService) -> None:
        self._settings = settings
        self._engine_service = engine_service

    def router(self) -> APIRouter:
        """Return the routes `GET /api/health` (public) and `GET /api/me`."""
        router = json_router()
        router.get("/api/health", response_model=Health)(self.health)
        router.get("/api/me", response_model=Me)(self.me)
        return router

    async def health(self) -> dict[str, Any]:
        """Return the state of the service and its model."""
        model = model_facts(self._engine_service.status())
        return {"status": "ok", "version": __version__, "model": model}

    async def me(self, caller: Caller) -> dict[str, Any]:
        """Return the caller's account and what they may do."""
        settings = self._settings
        return {
            "account": caller.account_id,
            "name": caller.name,
            "role": caller.role,
            "actions": [action for action in Action if caller.may(action)],
            "login": caller != LOCAL and not settings.public_demo,
            "public_demo": settings.public_demo,
            "labels_go_to": settings.demo_labels if settings.public_demo else "",
            "label_licence": settings.label_licence,
            "version": __version__,
        }


def model_facts(status: EngineStatus) -> dict[str, Any]:
    """Return the model's public state; `loaded` is None without a loaded model."""
    info = status.info
    loaded = info and {
        "name": info.name,
        "revision": info.revision,
        "architecture": info.architecture,
        "parameters": info.parameters,
        "device": info.device,
        "dtype": info.dtype,
        "attention": info.attention,
    }
    return {
        "state": status.state,
        "sentence": status.sentence,
        "waiting": status.waiting,
        "loaded": loaded,
    }
