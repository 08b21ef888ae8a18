"""A guarded site of a few routes, with a real database, for the tests of the access rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from pathviewer.auth.access import Access
from pathviewer.auth.credentials import hash_password
from pathviewer.auth.guard import Guard
from pathviewer.auth.identity import identity_of
from pathviewer.auth.login_routes import auth_routes
from pathviewer.settings import Settings
from storage.accounts.store import AccountRecord, add_account
from storage.audit import AuditRecord, list_entries
from storage.database import Database
from tests.databases import new_database

PASSWORD = "four words of rain"
PAGE = {"origin": "http://127.0.0.1:7860"}
"""What a browser sends with a form of this site's own page."""
TALK = "ws://127.0.0.1:7860/talk"
"""The site's websocket."""

_HASH = hash_password(PASSWORD)


@dataclass(frozen=True)
class Site:
    """A running site."""

    client: TestClient
    """A browser or script at `client_address`."""

    app: Guard
    """The site itself."""

    access: Access
    """Its rules."""

    settings: Settings
    """Its settings."""

    database: Database
    """Its database."""

    def add(self, name: str = "ada", role: str = "clinician") -> AccountRecord:
        """An account with `PASSWORD`."""
        with self.database.session() as session:
            return add_account(session, name=name, role=role, password_hash=_HASH)

    def log_in(self, name: str = "ada", password: str = PASSWORD, **fields: str) -> Any:
        """The answer to the login form, not followed."""
        form = {"name": name, "password": password, **fields}
        own = str(self.client.base_url).rstrip("/")
        headers = {"origin": self.client.headers.get("origin", own)}
        return self.client.post("/login", data=form, headers=headers, follow_redirects=False)

    def who(self, **headers: str) -> str | int:
        """Name of the identity that a request gets, or the status if it gets none."""
        answer = self.client.get("/who", headers=headers)
        return str(answer.json()["name"]) if answer.status_code == 200 else answer.status_code

    def audit(self) -> list[AuditRecord]:
        """The audit log, the oldest first."""
        with self.database.read_only() as session:
            return list_entries(session)[::-1]


def code(answer: Any) -> tuple[int, str]:
    """The status of an error, and its code."""
    return answer.status_code, answer.json()["error"]["code"]


def space_settings(space: str, **settings: Any) -> Settings:
    """Settings in a Hugging Face Space, whose host name has a variable without our prefix."""
    return Settings(**{"SPACE_HOST": space, **settings})


@contextmanager
def site(
    data: Path,
    *,
    base_url: str = "http://127.0.0.1:7860",
    client_address: str = "127.0.0.1",
    **settings: Any,
) -> Iterator[Site]:
    """The site with these settings, asked from an address by a client that calls it `base_url`."""
    given = Settings(data=data, **settings)
    database = new_database(given.database)
    access = Access(given, database)
    app = Guard(_routes(given, database, access), access)
    with TestClient(app, base_url=base_url, client=(client_address, 50_000)) as client:
        yield Site(client, app, access, given, database)
    database.close()


def _routes(settings: Settings, database: Database, access: Access) -> Starlette:
    return Starlette(
        routes=[
            *auth_routes(settings, database, access),
            Route("/", _page),
            Route("/who", _who, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/headers", _headers),
            Route("/tile", _tile),
            Route("/shared", _shared, methods=["GET", "OPTIONS", "POST"]),
            Route("/api/health", _page),
            WebSocketRoute("/talk", _talk),
        ]
    )


async def _page(_: Request) -> Response:
    return PlainTextResponse("page")


async def _who(request: Request) -> Response:
    identity = identity_of(request.scope)
    return JSONResponse({"name": identity.name, "role": identity.role, "url": str(request.url)})


async def _headers(request: Request) -> Response:
    return JSONResponse(dict(request.headers))


async def _tile(_: Request) -> Response:
    return Response(b"\xff\xd8", media_type="image/jpeg", headers={"cache-control": "private"})


async def _shared(_: Request) -> Response:
    """An answer that any page may read, as Gradio gives them."""
    leave = {
        "Access-Control-Allow-Origin": "http://evil.example",
        "access-control-allow-credentials": "true",
        "Access-Control-Allow-Methods": "POST",
    }
    return PlainTextResponse("shared", headers=leave)


async def _talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json({"name": identity_of(socket.scope).name})
    await socket.close()
