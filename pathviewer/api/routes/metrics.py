"""Route `GET /api/metrics`: metrics in Prometheus's text format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest
from starlette.responses import PlainTextResponse

from pathviewer.api.json_route import json_router
from pathviewer.auth.identity import bound_key_of, identity_of, require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import READS

if TYPE_CHECKING:
    from pathviewer.operations.metrics import Metrics
    from pathviewer.settings import Settings


class MetricsRoutes:
    """Handler."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._public_demo = settings.public_demo
        self._metrics = metrics

    def router(self) -> APIRouter:
        """Return the route; needs `administer` or a bearer token of any account, such as a
        viewer's for Prometheus."""
        router = json_router()
        router.get("/api/metrics", response_class=PlainTextResponse)(self.show)
        return router

    async def show(self, request: Request) -> PlainTextResponse:
        """Return all metrics."""
        if not (has_token(request) and not self._public_demo):
            require(request.scope, Action.administer)
        registry, account = self._metrics.registry, bound_key_of(request.scope)
        text = await READS.run(lambda: generate_latest(registry), account)
        return PlainTextResponse(text, headers={"content-type": CONTENT_TYPE_PLAIN_1_0_0})


def has_token(request: Request) -> bool:
    """Whether the account comes from a bearer token; the guard then accepts no other
    credential."""
    is_bearer = request.headers.get("authorization", "")[:7].lower() == "bearer "
    return is_bearer and not identity_of(request.scope).visiting
