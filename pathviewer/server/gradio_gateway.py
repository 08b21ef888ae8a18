"""Gateway in front of Gradio's routes: validated bodies, results only for their owner, errors in
one shape."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_to_bytes

from starlette.requests import Request

from pathviewer.api.foreign_errors import ErrorReshaper
from pathviewer.api.request_body import BodyError, read_json
from pathviewer.api.responses import error_response, error_to_response
from pathviewer.auth.client_addresses import client_group
from pathviewer.auth.guard import ADDRESS_KEY, path_of
from pathviewer.auth.identity import VISITOR, identity_of
from pathviewer.server import user_messages
from pathviewer.server.gradio_requests import Call, CallReader, CallRefused
from pathviewer.server.gradio_sessions import GradioSessions

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import gradio as gr
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POST = re.compile(r"/gradio_api/(?:queue/(join)|(cancel|reset)|(run|call/v2|call)/([^/]+))")
_RESULT = re.compile(r"/gradio_api/call/(?:v2/)?[^/]+/([^/]+)")
_HEARTBEAT = re.compile(r"/gradio_api/heartbeat/([^/]+)")
_STREAM = "/gradio_api/queue/data"
_PAGES = (b"page", b"deep_link")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class GradioGateway:
    """Gradio's app, which receives only valid requests."""

    def __init__(self, gradio: ASGIApp, page: gr.Blocks, calls_per_account: int) -> None:
        self._gradio = gradio
        self._reader = CallReader(page)
        self.sessions = GradioSessions(page, calls_per_account)
        """Sessions of Gradio's queue."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to an open Gradio route."""
        try:
            if scope["method"] == "POST":
                await self._post(scope, receive, send)
            else:
                with self._guard_get(scope):
                    await self._pass(drop_page_parameters(scope), receive, send)
        except CallRefused as refusal:
            answer = error_response(refusal.code, str(refusal), refusal.status)
            await answer(scope, receive, send)
        except BodyError as error:
            await error_to_response(error)(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _POST.fullmatch(path_of(scope))
        if match is None:
            await self._pass(scope, receive, send)
            return
        join, other, named, name = match.groups()
        call = self._reader.read(
            join or other or named, name or "", await read_json(Request(scope, receive))
        )
        owner, body = owner_of(scope), ReplacedBody(call.body, receive)
        if join or (named and named != "run"):
            await self._begin(call, owner, scope, body, send)
            return
        if call.event_id is not None:
            self.sessions.check(call.session_hash or "", owner)
            if self.sessions.session_of_event(call.event_id) != call.session_hash:
                raise CallRefused(user_messages.NO_SUCH_CALL, 404, "not_found")
        self.sessions.check_not_others(call.session_hash, owner)
        await self._pass(body.adapt_scope(scope), body.receive, send)

    async def _begin(
        self, call: Call, owner: str, scope: Scope, body: ReplacedBody, send: Send
    ) -> None:
        """Forward a call, and record its session's owner before the client receives the event
        id."""

        def began(answer: bytes) -> None:
            event_id = json.loads(answer)["event_id"]
            self.sessions.note_call(call.session_hash or event_id, owner)

        with self.sessions.reserve_call(call.session_hash, owner):
            buffer = BufferedResponse(send, began)
            await self._pass(body.adapt_scope(scope), body.receive, buffer.send)

    def _guard_get(self, scope: Scope) -> AbstractContextManager[None]:
        """Guard a GET: only the owner of a session may read its results. Raises CallRefused."""
        path = path_of(scope)
        if path == _STREAM:
            query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
            names = query.get("session_hash", [])
            if len(names) != 1:
                raise CallRefused(user_messages.NO_SESSION_TO_STREAM)
            return self.sessions.open_stream(names[0], owner_of(scope))
        if match := _RESULT.fullmatch(path):
            name = self.sessions.session_of_event(match[1])
            return self.sessions.open_stream(name, owner_of(scope))
        if match := _HEARTBEAT.fullmatch(path):
            if not _ID.fullmatch(match[1]):
                raise CallRefused(user_messages.SESSION_HASH_MALFORMED, 404, "not_found")
            self.sessions.check_not_others(match[1], owner_of(scope))
        return nullcontext()

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._gradio(scope, receive, ErrorReshaper(send).send)


def owner_of(scope: Scope) -> str:
    """Return the owner of a call: the account, or for anonymous visitors the client group."""
    identity = identity_of(scope)
    if identity != VISITOR:
        return identity.account_id
    client = scope.get("client")
    address = scope.get(ADDRESS_KEY) or (client[0] if client else "")
    return f"{identity.account_id} {client_group(address)}"


def drop_page_parameters(scope: Scope) -> Scope:
    """Remove the query parameters that Gradio reads as another page or a saved state.

    We have neither, and Gradio fails on an unknown page.
    """
    query: bytes = scope.get("query_string", b"")
    pairs = query.split(b"&")
    other_pairs = [
        pair for pair in pairs if unquote_to_bytes(pair.partition(b"=")[0]) not in _PAGES
    ]
    return (
        scope
        if len(other_pairs) == len(pairs)
        else {**scope, "query_string": b"&".join(other_pairs)}
    )


class ReplacedBody:
    """A request body that replaces the received one."""

    def __init__(self, body: bytes, rest: Receive) -> None:
        self._body: bytes | None = body
        self._rest = rest

    def adapt_scope(self, scope: Scope) -> Scope:
        """Return the scope with headers that match the new body."""
        about = {b"content-length", b"content-type", b"transfer-encoding", b"content-encoding"}
        headers = [header for header in scope["headers"] if header[0] not in about]
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", b"%d" % len(self._body or b"")))
        return {**scope, "headers": headers}

    async def receive(self) -> Message:
        """Return the new body once, then the connection's further messages."""
        if self._body is None:
            return await self._rest()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class BufferedResponse:
    """Holds back a short response until it is complete, and reports a successful one to `note`."""

    def __init__(self, send: Send, note: Any) -> None:
        self._send, self._note = send, note
        self._messages: list[Message] = []

    async def send(self, message: Message) -> None:
        """Take the next message of the response."""
        self._messages.append(message)
        if message["type"] != "http.response.body" or message.get("more_body"):
            return
        if self._messages[0].get("status") == HTTPStatus.OK:
            self._note(b"".join(each.get("body", b"") for each in self._messages[1:]))
        for each in self._messages:
            await self._send(each)
        self._messages = []
