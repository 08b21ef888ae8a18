"""The outermost ASGI app: every request passes it first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from pathviewer.auth import user_messages, visitors
from pathviewer.auth.client_addresses import client_group
from pathviewer.auth.headers import (
    HSTS,
    NO_STORE,
    PICTURE_HEADERS,
    Headers,
    security_headers,
    transport_security,
)
from pathviewer.auth.hosts import (
    allowed_pages,
    is_own_page,
    names_this_machine,
    parse_host,
    parse_origin,
)
from pathviewer.auth.identity import RECHECK_KEY, SCOPE_KEY, VISITOR
from pathviewer.auth.public_pages import login_page
from pathviewer.auth.visitors import VisitError
from storage.errors import StorageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pathviewer.auth.access import Access
    from pathviewer.auth.identity import Identity
    from pathviewer.auth.proxy import Visit

OPEN_PATHS = frozenset(
    {"/login", "/login.css", "/login/oidc", "/login/oidc/callback", "/api/health"}
)
"""The only paths open without a login; compared exactly, with the path that routes see."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ONCE_ONLY = frozenset(
    {b"host", b"origin", b"authorization", b"sec-fetch-site", b"content-length", visitors.HEADER}
)
REMEMBERED_HOSTS = 64
RETRY_SECONDS = 60
"""`Retry-After` when no visit could start or the database was busy, s."""
ANSWERED_KEY = "pathviewer.answered"
"""Scope key, True once the response has started, except for cached tiles."""
ADDRESS_KEY = "pathviewer.address"
"""Scope key of the browser's address if a proxy may have forwarded the request."""
_JPEG = (b"content-type", b"image/jpeg")
_CROSS_SITE = b"access-control-"
_PRIVATE = (b"text/html", b"application/json")

Picture = tuple[Headers, bytes | bytearray]
"""Headers and body of a JPEG tile."""

AtHand = Callable[[str, "Identity"], Picture | None]
"""Returns the tile for a GET path and identity if it can be sent without waiting."""


class Refusal(Exception):  # noqa: N818  a response rather than an error
    """The request is refused."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Guard:
    """Checks host, origin and identity of every request; adds the security headers."""

    def __init__(
        self, app: ASGIApp, access: Access, at_hand: AtHand = lambda _path, _identity: None
    ) -> None:
        """Serve cached tiles of `at_hand` directly to known identities; `app` handles the rest."""
        self._app = app
        self._access = access
        self._at_hand = at_hand
        self._hosts: set[bytes] = set()
        self._pages = allowed_pages(access.settings)
        # a request with one of these headers takes the slow path
        self._special = access.proxies.watched_headers | {b"authorization", visitors.HEADER}
        self._headers = security_headers(access.settings)
        self._tls_headers = transport_security(access.settings)
        self._names = frozenset(name for name, _ in self._headers) | {NO_STORE[0], HSTS[0]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on with `scope["pathviewer.identity"]` set."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        raw = scope["headers"]
        headers = dict(raw)
        host, method = headers.get(b"host"), scope.get("method")
        if (
            host in self._hosts
            and method in SAFE_METHODS
            and len(headers) == len(raw)
            and self._special.isdisjoint(headers)
            and visitors.QUERY not in scope.get("query_string", b"")
        ):
            identity = self._access.identify_from_cache(headers.get(b"cookie"), host)
            if identity is not None:
                picture = self._at_hand(scope["path"], identity) if method == "GET" else None
                if picture is None:
                    client = scope.get("client")
                    scope[SCOPE_KEY] = self._add_client(identity, client[0] if client else "")
                    scope[RECHECK_KEY] = partial(self._identify_again, scope)
                    await self._app(scope, receive, self._with_headers(scope, send))
                    return
                sent = (*picture[0], *PICTURE_HEADERS)
                await send({"type": "http.response.start", "status": 200, "headers": sent})
                await send({"type": "http.response.body", "body": picture[1]})
                return
        await self._identify_and_serve(scope, receive, send)

    async def _identify_and_serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer, send = send, self._with_headers(scope, send)
        scope.pop(SCOPE_KEY, None)
        visitor_id = ""
        try:
            visit = self._access.proxies.visit(scope, merge_headers(scope["headers"]))
            if visit.secure and not names_this_machine(visit.host):
                send = self._with_headers(scope, answer, self._tls_headers)
            self._check_host(visit)
            identity = await self._access.identify(visit)
            if scope.get("method") not in SAFE_METHODS:
                self._check_origin(visit)
                if identity is not None and identity.visiting:
                    client = client_group(visit.address)
                    await self._access.visitors.begin(identity.account_id, client)
                    visitor_id = identity.account_id
            if identity is not None:
                scope[SCOPE_KEY] = self._add_client(identity, visit.address)
                scope[RECHECK_KEY] = partial(self._access.identify, visit)
            elif not is_open(scope):
                raise Refusal(401, "login_required", user_messages.LOGIN_NEEDED)
        except Refusal as refusal:
            await self._refuse(refusal, scope, receive, send)
            return
        except (StorageError, VisitError) as error:
            await self._refuse(Refusal(503, error.code, str(error)), scope, receive, send)
            return
        scope[ADDRESS_KEY] = visit.address
        self._drop_untrusted_headers(scope, visit)
        if visitor_id:
            await self._serve_visitor(visitor_id, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _add_client(self, identity: Identity, address: str) -> Identity:
        """Return the identity; add the client for a visitor who has not begun a visit."""
        looks = identity == VISITOR or (
            identity.visiting and not self._access.visitors.has_begun(identity.account_id)
        )
        return replace(identity, client=client_group(address)) if looks else identity

    async def _serve_visitor(
        self, account_id: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass on a request that began a visit, and report whether it was refused."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                refused = message["status"] >= HTTPStatus.BAD_REQUEST
                await self._access.visitors.note_answer(account_id, refused=refused)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            if not begun:
                await self._access.visitors.note_answer(account_id, refused=True)

    async def _identify_again(self, scope: Scope) -> Identity | None:
        """Return the current identity of a request that no proxy forwarded."""
        return await self._access.identify(
            self._access.proxies.visit(scope, merge_headers(scope["headers"]))
        )

    def _check_host(self, visit: Visit) -> None:
        if parse_host(visit.host) not in self._access.hosts:
            raise Refusal(
                400,
                "bad_host",
                user_messages.HOST_NOT_ALLOWED,
            )
        host = visit.headers.get(b"host", b"")
        if host == visit.host and len(self._hosts) < REMEMBERED_HOSTS:
            self._hosts.add(host)

    def _check_origin(self, visit: Visit) -> None:
        """Allow changes only from this server's pages and from scripts with a bearer token."""
        headers = visit.headers
        header = headers.get(b"origin")
        if header is None:
            bearer = headers.get(b"authorization", b"")[:7].lower() == b"bearer "
            right = bearer and self._access.needs_login
        else:
            origin = parse_origin(header)
            right = origin is not None and (
                (origin.name, origin.port) in self._pages
                or is_own_page(origin, visit.host, secure=visit.secure)
            )
        if not right or headers.get(b"sec-fetch-site", b"same-origin") not in {
            b"same-origin",
            b"none",
        }:
            raise Refusal(
                403,
                "bad_origin",
                user_messages.FOREIGN_ORIGIN,
            )

    def _drop_untrusted_headers(self, scope: Scope, visit: Visit) -> None:
        """Remove untrusted headers before the app sees them, and set the scheme."""
        if len(visit.headers) != len(scope["headers"]):
            trusted_names = visit.headers.keys()
            scope["headers"] = [header for header in scope["headers"] if header[0] in trusted_names]
        if visit.secure:
            scope["scheme"] = "wss" if scope["type"] == "websocket" else "https"

    async def _refuse(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})
            return
        await self._answer(refusal, scope)(scope, receive, send)

    def _answer(self, refusal: Refusal, scope: Scope) -> Response:
        if refusal.status == 401 and wants_page(scope):
            settings = self._access.settings
            query = scope.get("query_string", b"").decode("latin-1")
            path = quote(path_of(scope))
            return login_page(settings, status=401, next_path=f"{path}?{query}" if query else path)
        error = {"code": refusal.code, "message": str(refusal)}
        headers = {"www-authenticate": "Bearer"} if refusal.status == 401 else {}
        if refusal.status == 503:
            headers["retry-after"] = str(RETRY_SECONDS)
        return JSONResponse({"error": error}, refusal.status, headers)

    def _with_headers(
        self, scope: Scope, send: Send, more: Headers = ()
    ) -> Callable[[Message], Awaitable[None]]:
        def guarded(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                scope[ANSWERED_KEY] = True
                message["headers"] = self._extend_headers(message.get("headers", ()), more)
            return send(message)

        return guarded

    def _extend_headers(self, original: Any, more: Headers) -> list[tuple[bytes, bytes]]:
        """Return the response's headers and ours; the response's take precedence.

        CORS headers are removed: Gradio allows any site to read its responses.
        """
        headers = list(original)
        if _JPEG in headers:
            headers += PICTURE_HEADERS
            return headers
        headers = [header for header in headers if not header[0].lower().startswith(_CROSS_SITE)]
        present = {name.lower() for name, _ in headers} & self._names
        headers += [header for header in (*self._headers, *more) if header[0] not in present]
        if NO_STORE[0] not in present and any(
            name.lower() == b"content-type" and value.startswith(_PRIVATE)
            for name, value in headers
        ):
            headers.append(NO_STORE)
        return headers


def is_open(scope: Scope) -> bool:
    """Return whether a request needs no login; other methods than the routes' never qualify."""
    if scope["type"] != "http" or path_of(scope) not in OPEN_PATHS:
        return False
    return scope["method"] in {"GET", "HEAD"} or (
        scope["method"] == "POST" and path_of(scope) == "/login"
    )


def path_of(scope: Scope) -> str:
    """Return the path that the routes see: decoded, without the scope's sub-path."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    return path or "/"


def merge_headers(raw: list[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return headers by name, repeated ones joined; raises `Refusal` for repeated unique
    headers."""
    headers: dict[bytes, bytes] = {}
    for name, value in raw:
        if name not in headers:
            headers[name] = value
        elif name in ONCE_ONLY:
            text = name.decode("latin-1")
            raise Refusal(400, "bad_request", user_messages.repeated_header(text))
        else:
            headers[name] += (b"; " if name == b"cookie" else b", ") + value
    return headers


def wants_page(scope: Scope) -> bool:
    """Return whether a browser navigates here, as opposed to a script's request."""
    headers = dict(scope["headers"])
    return (
        scope["method"] == "GET"
        and b"text/html" in headers.get(b"accept", b"")
        and headers.get(b"sec-fetch-mode", b"navigate") == b"navigate"
    )
