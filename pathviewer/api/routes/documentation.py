"""Routes of the API's documentation: the OpenAPI document and an interactive page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from pathviewer.api.json_route import Viewer, json_router
from pathviewer.api.openapi import openapi_document
from pathviewer.common.work_queue import READS
from pathviewer.ui.html_page import render_page

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from pathviewer.settings import Settings


class DocumentationRoutes:
    """Handlers; everything comes from this server, nothing from a content network."""

    def __init__(self, settings: Settings, routes: Sequence[BaseRoute]) -> None:
        """`routes` are the documented ones."""
        self._settings = settings
        self._routes = routes

    def router(self) -> APIRouter:
        """Return the routes; they need `view_slides`."""
        router = json_router()
        router.get("/api/openapi.json", include_in_schema=False)(self.document)
        router.get("/api/docs", include_in_schema=False, response_class=HTMLResponse)(self.page)
        return router

    @cached_property
    def _document(self) -> dict[str, Any]:
        document, root_path = openapi_document(self._routes), self._settings.root_path
        return document | {"servers": [{"url": root_path}]} if root_path else document

    async def document(self, caller: Viewer) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return await READS.run(lambda: self._document, caller.bound_key)

    async def page(self, caller: Viewer) -> HTMLResponse:  # noqa: ARG002
        """Return the interactive documentation."""
        return HTMLResponse(render_page(self._settings, "api_docs"))
