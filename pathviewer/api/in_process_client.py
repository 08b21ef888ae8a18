"""In-process client of our HTTP routes, for Gradio endpoints.

An endpoint thus has the route's behaviour, permissions and audit entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import gradio as gr
import httpx2
from fastapi import FastAPI

from pathviewer.api import user_messages
from pathviewer.api.responses import exception_handlers
from pathviewer.auth.identity import RECHECK_KEY, SCOPE_KEY

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send


class InProcessClient:
    """Calls the routes behind the guard; each call rechecks the caller's identity."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._app = FastAPI(
            openapi_url=None, routes=[*routes], exception_handlers=exception_handlers()
        )

    async def get(self, request: gr.Request, path: str, /, *parts: object, **query: Any) -> Any:
        """GET a path whose `{}` are filled with `parts`; None values of the query are omitted."""
        params = {name: value for name, value in query.items() if value is not None}
        return await self._request(request, "GET", _fill_path(path, parts), params=params)

    async def post(self, request: gr.Request, path: str, /, *parts: object, **body: Any) -> Any:
        """POST JSON to such a path; None values of the body are omitted."""
        document = {name: value for name, value in body.items() if value is not None}
        return await self._request(request, "POST", _fill_path(path, parts), json=document)

    async def _request(self, request: gr.Request, method: str, path: str, **payload: Any) -> Any:
        """Return decoded JSON or text. Raises `gr.Error` with the route's error message."""
        caller_scope = await self._caller_scope(request)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._app({**scope, **caller_scope}, receive, send)

        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://inside") as client:
            response = await client.request(method, path, **payload)
        is_json = response.headers.get("content-type", "").startswith("application/json")
        content: Any = response.json() if is_json else response.text
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise gr.Error(content["error"]["message"], print_exception=False)
        return content

    async def _caller_scope(self, request: gr.Request) -> dict[str, Any]:
        """Return the guard's entries of the caller's scope, rechecked. Raises `gr.Error`."""
        scope: Any = request.request.scope if request.request else {}
        find_identity = scope[RECHECK_KEY]
        identity = await find_identity()
        if identity is None or identity.account_id != scope[SCOPE_KEY].account_id:
            raise gr.Error(user_messages.LOGIN_ENDED, print_exception=False)
        return {SCOPE_KEY: identity, RECHECK_KEY: find_identity}


def _fill_path(path: str, parts: tuple[object, ...]) -> str:
    return path.format(*(quote(str(part), safe="") for part in parts))
