"""A small HTTP server with OpenAI's chat completions for any engine.

It serves programs on the same machine: judges, scripts and others. It fetches nothing.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models import user_messages
from models.engines.base import Engine
from models.errors import ModelError, OutOfMemoryError, PromptError, WorkerError
from models.messages import CompletionEnd, GenerateRequest, GenerationStart, ModelInfo, PixelBudget
from models.openai_messages import completion_body, error_body, generation_request, read_request

LARGEST_BODY = 2**26
"""Most bytes read of a request."""
LONGEST_QUEUE = 64
"""Waiting requests above which new ones are refused."""
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class Refusal(Exception):  # noqa: N818 - an answer; its status says which
    """An error response."""

    def __init__(self, status: int, sentence: str, kind: str = "invalid_request_error") -> None:
        """HTTP status, a sentence for users, and the protocol's type of error."""
        super().__init__(sentence)
        self.status = status
        self.kind = kind


class OpenAiEndpoint:
    """Routes for one engine, which the caller closes."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        *,
        key: str | None = None,
        system: str | None = None,
        budget: PixelBudget | None = None,
    ) -> None:
        """Serve `engine` as the model `name`; if there is a `key`, only to clients that send it."""
        self._engine = engine
        self._name = name
        self._key = key
        self._system = system
        self._budget = budget

    async def models(self, request: Request) -> Response:
        """List the one model."""
        try:
            self._admit(request)
        except Refusal as refusal:
            return refusal_response(refusal)
        model = {"id": self._name, "object": "model", "created": 0, "owned_by": "pathviewer"}
        return JSONResponse({"object": "list", "data": [model]})

    async def complete(self, request: Request) -> Response:
        """One chat completion, or an error in the protocol's format."""
        try:
            self._admit(request)
            generation = self._read(request, await _body(request))
            return JSONResponse(await self._answer(request, generation))
        except Refusal as refusal:
            return refusal_response(refusal)
        except PromptError as error:
            return refusal_response(Refusal(400, str(error)))
        except (WorkerError, OutOfMemoryError) as error:
            return refusal_response(Refusal(503, str(error), "server_error"))
        except ModelError as error:
            return refusal_response(Refusal(500, str(error), "server_error"))

    def _admit(self, request: Request) -> None:
        """Refuse clients without the key."""
        authorization = request.headers.get("authorization", "").encode()
        if self._key and not hmac.compare_digest(authorization, f"Bearer {self._key}".encode()):
            raise Refusal(401, user_messages.KEY_WRONG, "authentication_error")

    def _read(self, request: Request, body: bytes) -> GenerateRequest:
        """Convert the request for the engine."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # a foreign web page cannot send this without permission
            raise Refusal(415, user_messages.NOT_JSON)
        chat = read_request(body)
        if chat.model != self._name:
            message = user_messages.no_served_model(chat.model, self._name)
            raise Refusal(404, message, "not_found_error")
        if self._engine.status().waiting >= LONGEST_QUEUE:
            raise Refusal(429, user_messages.TOO_MANY_WAITING, "rate_limit_error")
        return generation_request(chat, system=self._system, budget=self._budget)

    async def _answer(self, request: Request, generation: GenerateRequest) -> dict[str, object]:
        """Generate the completion; stops when the client disconnects."""
        watch = asyncio.create_task(self._watch(request, generation.request_id))
        try:
            ends, started = await run_sync(self._collect, generation)
        finally:
            watch.cancel()
        if started is None or any(end.completion.finish == "cancelled" for end in ends):
            raise Refusal(499, user_messages.REQUEST_CANCELLED)
        info: ModelInfo = started.model
        return completion_body(generation, ends, started.prompt_tokens, info) | {
            "model": self._name
        }

    def _collect(
        self, generation: GenerateRequest
    ) -> tuple[list[CompletionEnd], GenerationStart | None]:
        """All completions, and the start event."""
        ends, started = [], None
        for event in self._engine.generate(generation):
            if isinstance(event, GenerationStart):
                started = event
            elif isinstance(event, CompletionEnd):
                ends.append(event)
        return ends, started

    async def _watch(self, request: Request, request_id: str) -> None:
        """Cancel the request once the client has disconnected."""
        while (await request.receive())["type"] != "http.disconnect":
            continue
        self._engine.cancel(request_id)


def endpoint_app(
    engine: Engine,
    name: str,
    *,
    key: str | None = None,
    system: str | None = None,
    budget: PixelBudget | None = None,
    hosts: Sequence[str] = LOCAL_HOSTS,
) -> Starlette:
    """The server as an ASGI application; `hosts` are its accepted host names.

    Other arguments as for `OpenAiEndpoint`.
    """
    endpoint = OpenAiEndpoint(engine, name, key=key, system=system, budget=budget)
    return Starlette(
        routes=[
            Route("/v1/models", endpoint.models),
            Route("/v1/chat/completions", endpoint.complete, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


def refusal_response(refusal: Refusal) -> Response:
    """Error response in the protocol's format, with Retry-After where that helps."""
    headers = {"retry-after": "2"} if refusal.status in {429, 503} else None
    body = error_body(str(refusal), refusal.kind)
    return JSONResponse(body, refusal.status, headers)


async def _body(request: Request) -> bytes:
    """Body of the request; refuses one that is too large."""
    payload = bytearray()
    async for chunk in request.stream():
        payload += chunk
        if len(payload) > LARGEST_BODY:
            raise Refusal(413, user_messages.request_too_large(LARGEST_BODY // 2**20))
    return bytes(payload)
