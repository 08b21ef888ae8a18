"""Route `GET /api/metrics`: metrics in Prometheus's text format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from pathviewer.auth.identity import identity_of, require
from pathviewer.auth.roles import Action

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.operations.metrics import Metrics
    from pathviewer.settings import Settings


def metrics_routes(settings: Settings, metrics: Metrics) -> list[Route]:
    """Return the route; needs `administer` or a bearer token of any account, such as a viewer's
    for Prometheus."""

    async def show(request: Request) -> Response:
        if not (has_token(request) and not settings.public_demo):
            require(request.scope, Action.administer)
        text = await run_in_threadpool(generate_latest, metrics.registry)
        return Response(text, headers={"content-type": CONTENT_TYPE_PLAIN_1_0_0})

    return [Route("/api/metrics", show, methods=["GET"])]


def has_token(request: Request) -> bool:
    """Whether the account comes from a bearer token; the guard then accepts no other
    credential."""
    is_bearer = request.headers.get("authorization", "")[:7].lower() == "bearer "
    return is_bearer and not identity_of(request.scope).visiting
