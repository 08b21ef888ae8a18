"""Routes of the JSON API: FastAPI's, with bounded bodies, strict JSON and our sentences."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import cached_property
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.responses import Response, StreamingResponse

from pathviewer.api.request_body import read_json
from pathviewer.auth.identity import Identity, require
from pathviewer.auth.roles import Action
from pathviewer.common.errors import UserError
from pathviewer.common.validation import describe_error
from pathviewer.common.work_queue import Client


class InvalidRequest(UserError):  # noqa: N818  as the other refusals
    """A value of the request is missing or refused; the message names it."""

    code = "invalid_request"


class JsonRequest(Request):
    """A request whose body is read once, bounded, as strict JSON, whatever its content type."""

    document: Any

    async def load(self) -> None:
        """Read the body. Raises BodyError."""
        self.document = await read_json(self)
        self.scope["headers"] = [
            *(pair for pair in self.scope["headers"] if pair[0] != b"content-type"),
            (b"content-type", b"application/json"),
        ]

    async def body(self) -> bytes:
        """Return any bytes: FastAPI asks only whether there are some."""
        return b"{}"

    async def json(self) -> Any:
        """Return the decoded body."""
        return self.document


class JsonRoute(APIRoute):
    """A route with a validated body and query."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler. It raises InvalidRequest for values that the schemas refuse."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            if self.body_field is not None:
                request = JsonRequest({**request.scope}, request.receive)
                await request.load()
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise InvalidRequest(self._describe(error)) from None

        return handle_strictly

    @cached_property
    def _schemas(self) -> dict[str, dict[str, Any]]:
        """JSON schemas of the body and of an object with the parameters, by place."""
        dependant = self.dependant
        fields = (*dependant.path_params, *dependant.query_params, *dependant.header_params)
        parameters = {each.alias: _field_schema(each) for each in fields}
        body = self.body_field
        return {
            "body": {} if body is None else _field_schema(body),
            "parameters": {"type": "object", "properties": parameters},
        }

    def _describe(self, error: RequestValidationError) -> str:
        """Return the sentence for the first refused value."""
        detail = error.errors()[0]
        place, *path = detail["loc"]
        schema = self._schemas["body" if place == "body" else "parameters"]
        return describe_error({**detail, "loc": path}, schema)


def _field_schema(field: Any) -> dict[str, Any]:
    """Return the JSON schema of one of FastAPI's fields, with its `$defs`."""
    kind: Any = Annotated[field.field_info.annotation, field.field_info]
    return TypeAdapter(kind).json_schema()


class PngResponse(Response):
    """A PNG picture."""

    media_type = "image/png"


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


def json_router() -> APIRouter:
    """Return a router of JsonRoutes."""
    return APIRouter(route_class=JsonRoute)


def _needs(action: Action) -> Callable[[Request], Awaitable[Identity]]:
    async def identify(request: Request) -> Identity:
        return require(request.scope, action)

    return identify


async def _client(request: Request) -> Client:
    return Client(request.receive)


Viewer = Annotated[Identity, Depends(_needs(Action.view_slides))]
"""The caller, who may view slides. The types below say in the same way what a caller may do."""
Drawer = Annotated[Identity, Depends(_needs(Action.draw_regions))]
Describer = Annotated[Identity, Depends(_needs(Action.describe_slides))]
Uploader = Annotated[Identity, Depends(_needs(Action.upload_slides))]
Asker = Annotated[Identity, Depends(_needs(Action.ask))]
Judge = Annotated[Identity, Depends(_needs(Action.judge))]
Exporter = Annotated[Identity, Depends(_needs(Action.export))]
InsightsReader = Annotated[Identity, Depends(_needs(Action.see_insights))]
AuditReader = Annotated[Identity, Depends(_needs(Action.read_audit))]

Connection = Annotated[Client, Depends(_client)]
"""The client of the request, whose disconnection cancels work."""
