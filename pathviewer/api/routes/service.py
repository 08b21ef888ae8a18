"""Routes of the service: health with model state, and the caller's account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from pathviewer import __version__
from pathviewer.auth.identity import LOCAL, identity_of
from pathviewer.auth.roles import Action

if TYPE_CHECKING:
    from starlette.requests import Request

    from models.engines.base import EngineStatus
    from pathviewer.questions.engine import EngineService
    from pathviewer.settings import Settings


def service_routes(settings: Settings, engine_service: EngineService) -> list[Route]:
    """Return the routes `GET /api/health` (public) and `GET /api/me`."""

    async def health(_: Request) -> JSONResponse:
        model = model_facts(engine_service.status())
        return JSONResponse({"status": "ok", "version": __version__, "model": model})

    async def me(request: Request) -> JSONResponse:
        identity = identity_of(request.scope)
        return JSONResponse(
            {
                "account": identity.account_id,
                "name": identity.name,
                "role": identity.role,
                "actions": [action for action in Action if identity.may(action)],
                "login": identity != LOCAL and not settings.public_demo,
                "public_demo": settings.public_demo,
                "labels_go_to": settings.demo_labels if settings.public_demo else "",
                "label_licence": settings.label_licence,
                "version": __version__,
            }
        )

    return [Route("/api/health", health), Route("/api/me", me)]


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
