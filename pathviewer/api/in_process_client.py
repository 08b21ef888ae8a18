"""Our own routes, asked from within the program by an endpoint that somebody called.

An endpoint so does what the route does, for whoever may, and writes the same into the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import gradio as gr
import httpx2
from starlette.applications import Starlette

from pathviewer.api.responses import exception_handlers
from pathviewer.auth.identity import RECHECK_KEY, SCOPE_KEY

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

LOGIN_ENDED = "Your login has ended, or the token does not hold any more. Log in again."


class InProcessClient:
    """The routes as they are behind the guard; each call finds out anew who is asking."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._app = Starlette(routes=routes, exception_handlers=exception_handlers())

    async def get(self, request: gr.Request, path: str, /, *parts: object, **query: Any) -> Any:
        """The answer to a GET of a path with its `{}` filled in; a None in the query is left
        out."""
        params = {name: value for name, value in query.items() if value is not None}
        return await self._request(request, "GET", _fill_path(path, parts), params=params)

    async def post(self, request: gr.Request, path: str, /, *parts: object, **body: Any) -> Any:
        """The answer to a POST of JSON to such a path; a None in the body is left out."""
        document = {name: value for name, value in body.items() if value is not None}
        return await self._request(request, "POST", _fill_path(path, parts), json=document)

    async def _request(self, request: gr.Request, method: str, path: str, **payload: Any) -> Any:
        """JSON decoded, or text. Raises `gr.Error` with the sentence of what was refused."""
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
        """What the guard wrote into the scope of the call, as it is at this moment."""
        scope: Any = request.request.scope if request.request else {}
        find_identity = scope[RECHECK_KEY]
        identity = await find_identity()
        if identity is None or identity.account_id != scope[SCOPE_KEY].account_id:
            raise gr.Error(LOGIN_ENDED, print_exception=False)
        return {SCOPE_KEY: identity, RECHECK_KEY: find_identity}


def _fill_path(path: str, parts: tuple[object, ...]) -> str:
    return path.format(*(quote(str(part), safe="") for part in parts))
