"""Routes of the JSON API: FastAPI's, with bounded bodies, strict JSON and our sentences."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine
from functools import cached_property, wraps
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.responses import JSONResponse, Response, StreamingResponse

from pathviewer.api.request_body import read_json
from pathviewer.auth.identity import Identity, identity_of, require
from pathviewer.auth.roles import Action
from pathviewer.common.validation import InvalidRequest, describe_error
from pathviewer.common.work_queue import READS, Client, while_connected
from pathviewer.questions.request import MOST_ANSWERS


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
    """A route with a validated body and query.

    GET answers HEAD as well, and is dropped when the client disconnects.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.methods: set[str]
        if "GET" in self.methods:
            self.methods.add("HEAD")

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler. It raises InvalidRequest for values that the schemas refuse."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            if self.body_field is not None:
                request = JsonRequest({**request.scope}, request.receive)
                await request.load()
            try:
                if "GET" in self.methods:
                    client = Client(request.receive)
                    return await while_connected(client, lambda: handle(request))
                return await handle(request)
            except RequestValidationError as error:
                raise InvalidRequest(self._describe(error)) from None

        return handle_strictly

    @property
    def body_type(self) -> Any:
        """The type of the body with its constraints; None without a body."""
        return None if self.body_field is None else _field_type(self.body_field)

    @cached_property
    def body_schema(self) -> dict[str, Any]:
        """The JSON schema of the body, with its `$defs`."""
        return TypeAdapter(self.body_type).json_schema()

    @cached_property
    def parameter_schema(self) -> dict[str, Any]:
        """The JSON schema of an object with the parameters."""
        fields = get_flat_params(self.dependant)
        schemas = {each.alias: TypeAdapter(_field_type(each)).json_schema() for each in fields}
        return {"type": "object", "properties": schemas}

    def _describe(self, error: RequestValidationError) -> str:
        """Return the sentence for the first refused value."""
        detail = error.errors()[0]
        place, *path = detail["loc"]
        schema = self.body_schema if place == "body" else self.parameter_schema
        return describe_error({**detail, "loc": path}, schema)


def _field_type(field: Any) -> Any:
    """Return the annotated type of one of FastAPI's fields."""
    return Annotated[field.field_info.annotation, field.field_info]


class PngResponse(Response):
    """A PNG picture."""

    media_type = "image/png"


class JpegResponse(Response):
    """A JPEG picture."""

    media_type = "image/jpeg"


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


def raw_body(media_type: str) -> dict[str, Any]:
    """Return what the OpenAPI document says of a body that the handler itself reads."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"requestBody": {"required": True, "content": content}}


def json_router() -> APIRouter:
    """Return a router of JsonRoutes."""
    return APIRouter(route_class=JsonRoute, generate_unique_id_function=operation_id)


def render_in_thread(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Response]]:
    """Wrap a handler of large answers: a thread writes their JSON, which the schema only documents.

    Checking and writing megabytes on the event loop would hold everybody else up. The handler has
    a parameter `caller`.
    """

    @wraps(handler)
    async def respond(*values: Any, **named: Any) -> Response:
        document, caller = await handler(*values, **named), named["caller"]
        return await READS.run(lambda: JSONResponse(document), caller.bound_key)

    return respond


def operation_id(route: APIRoute) -> str:
    """Return the id of a route's operation, such as `post_api_readings_question_id_stop`."""
    method = min(route.methods or ())  # `GET` before `HEAD`
    return "_".join([method.lower(), *re.findall(r"\w+", route.path_format)])


def _needs(action: Action) -> Callable[[Request], Awaitable[Identity]]:
    async def identify(request: Request) -> Identity:
        return require(request.scope, action)

    return identify


async def _identify(request: Request) -> Identity:
    return identity_of(request.scope)


async def _client(request: Request) -> Client:
    return Client(request.receive)


Caller = Annotated[Identity, Depends(_identify)]
"""The caller, whatever they may do."""
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

CompletionIndex = Annotated[int, Path(ge=0, le=MOST_ANSWERS)]
"""Place of a completion among its question's, from 0."""
Connection = Annotated[Client, Depends(_client)]
"""The client of the request, whose disconnection cancels work."""
