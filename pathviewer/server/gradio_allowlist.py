"""The Gradio routes that are open: those that our page and `gradio_client` need.

Gradio has some eighty routes and adds more with each version: uploads, recordings, proxies for
files and foreign URLs, the Hugging Face hub. An allowlist stays correct when Gradio adds routes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.routing import Route
from starlette.websockets import WebSocketClose

from pathviewer.api.responses import not_allowed, not_found
from pathviewer.auth.guard import path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

ALLOWED_PATHS = {
    "GET": re.compile(
        r"/|/config|/theme\.css|/favicon\.ico|/robots\.txt|/(assets|static)/.+"
        r"|/gradio_api/(info|startup-events|queue/(data|status)|heartbeat/[^/]+)"
        r"|/gradio_api/call/(v2/)?[^/]+/[^/]+"
    ),
    "HEAD": re.compile(r"/"),
    "POST": re.compile(r"/gradio_api/(cancel|reset|queue/join|run/[^/]+|call/(v2/)?[^/]+)"),
}
"""Full paths of the open Gradio routes, by method."""


class GradioAllowlist:
    """Gradio's app behind the allowlist; all other requests get a 404 or 405."""

    def __init__(self, gradio: ASGIApp, own_routes: Sequence[BaseRoute]) -> None:
        self._gradio = gradio
        self._own_routes = [route for route in own_routes if isinstance(route, Route)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request that none of our own routes matched."""
        if scope["type"] == "websocket":  # Gradio uses none
            await WebSocketClose()(scope, receive, send)
            return
        path = path_of(scope)
        methods = {method for method, pattern in ALLOWED_PATHS.items() if pattern.fullmatch(path)}
        if scope["method"] in methods:
            await self._gradio(scope, receive, send)
            return
        methods |= self._own_methods(path)
        answer = not_allowed(scope["method"], methods) if methods else not_found(path)
        await answer(scope, receive, send)

    def _own_methods(self, path: str) -> set[str]:
        """Return the methods of our own routes for a path.

        Starlette's own 405 is lost, because Gradio's mount takes each path whose method does not
        match.
        """
        method_sets = (
            route.methods or () for route in self._own_routes if route.path_regex.match(path)
        )
        return {method for methods in method_sets for method in methods}
