"""Every route of the running application is closed to strangers, Gradio's own included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from pathviewer.auth.guard import OPEN_PATHS
from pathviewer.server.application import build_page_app, build_routes, open_services
from pathviewer.server.gradio_allowlist import ALLOWED_PATHS, GradioAllowlist
from pathviewer.settings import Settings
from storage.accounts.store import add_account
from tests.long_cases import long_cases
from tests.servers import running

EXTRA_PATHS = (
    "/api/slides/x/tiles/0/0/0",
    "/gradio_api/upload",
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/proxy=https://example.org",
    "/no/such/page",
    "/login/../api/slides",
    "/login/%2e%2e/api/slides",
    "//api/slides",
    "/LOGIN",
    "/login/",
)
"""Doors that no route table lists."""

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}

LISTED = {
    "/",
    "/assets/x",
    "/config",
    "/favicon.ico",
    "/gradio_api/call/v2/x",
    "/gradio_api/call/v2/x/x",
    "/gradio_api/call/x",
    "/gradio_api/call/x/x",
    "/gradio_api/cancel",
    "/gradio_api/heartbeat/x",
    "/gradio_api/info",
    "/gradio_api/queue/data",
    "/gradio_api/queue/join",
    "/gradio_api/queue/status",
    "/gradio_api/reset",
    "/gradio_api/run/x",
    "/gradio_api/startup-events",
    "/robots.txt",
    "/static/x",
    "/theme.css",
}
"""What is open of Gradio, written out: a new Gradio that brings more has to be looked at."""


def walk(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of every route below `routes`, its parameters filled in.

    A websocket's method is WEBSOCKET.
    """
    for route in routes:
        if isinstance(route, Mount):
            yield from walk(list(route.routes), prefix + route.path)
            yield "GET", prefix + route.path + "/x"
        elif isinstance(route, Route):
            path = re.sub(r"{[^}]*}", "x", route.path)
            for method in sorted(route.methods or {"GET"}):
                yield method, prefix + path
        elif hasattr(route, "original_router"):  # a router that FastAPI includes lazily
            yield from walk(route.original_router.routes, prefix)
        else:
            assert isinstance(route, WebSocketRoute), f"{route} is a route of an unknown kind"
            yield "WEBSOCKET", prefix + re.sub(r"{[^}]*}", "x", route.path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A state folder in which one account exists, so that a login is asked for."""
    settings = Settings(data=tmp_path)
    services = open_services(settings)
    with services.database.session() as session:
        add_account(session, name="alice", role="viewer", password_hash="unusable")
    services.database.close()
    return settings


def test_strangers_get_401_everywhere_but_at_the_named_exceptions(settings: Settings) -> None:
    services = open_services(settings)
    paths = set(walk(build_page_app(services).routes))
    services.database.close()
    assert len(paths) > 40, "the walk found too few routes: Gradio's are missing"
    paths.add(("WEBSOCKET", "/gradio_api/queue/join"))
    paths |= {(method, path) for path in EXTRA_PATHS for method in ("GET", "POST")}
    with running(settings) as base, httpx.Client(base_url=base) as client:
        answers = {found: status(client, *found) for found in sorted(paths)}
    # uvicorn answers a websocket's handshake itself: 403 if the guard closed it
    shut = {False: {401}, True: {401, 403}}
    open_doors = {
        path for (way, path), code in answers.items() if code not in shut[way == "WEBSOCKET"]
    }
    assert open_doors <= set(OPEN_PATHS)
    assert answers["GET", "/"] == 401
    assert answers["GET", "/api/slides"] == 401


def status(client: httpx.Client, method: str, path: str) -> int:
    """The status that a visitor gets; sent with the path's bytes as they are."""
    return ask(client, method, path).status_code


def ask(client: httpx.Client, method: str, path: str) -> httpx.Response:
    """The answer that a visitor gets; a websocket is asked for by its handshake."""
    headers = origin(client)
    if method == "WEBSOCKET":
        method, headers = "GET", headers | HANDSHAKE
    request = client.build_request(method, "/", headers=headers)
    request.url = request.url.copy_with(raw_path=path.encode())
    return client.send(request)


def origin(client: httpx.Client) -> dict[str, Any]:
    """The header a browser on the page itself would send."""
    return {"Origin": str(client.base_url).rstrip("/")}


def test_a_page_asks_a_person_to_log_in_and_a_script_gets_json(settings: Settings) -> None:
    with running(settings) as base:
        page = httpx.get(base, headers={"Accept": "text/html"})
        answer = httpx.get(f"{base}/api/slides")
    assert page.status_code == 401
    assert 'name="password"' in page.text
    assert answer.json()["error"]["code"] == "login_required"


@pytest.mark.parametrize("host", ["evil.example", *long_cases("127.0.0.1.evil.example", "", "a b")])
def test_a_foreign_host_name_is_refused_even_on_this_machine(settings: Settings, host: str) -> None:
    with running(settings) as base:
        answer = httpx.get(f"{base}/api/health", headers={"Host": host})
    assert answer.status_code == 400


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A running public demo, asked by one of its visitors."""
    settings = Settings(data=tmp_path_factory.mktemp("demo"), public_demo=True)
    with running(settings) as base, httpx.Client(base_url=base, timeout=5) as client:
        yield client


def gradio_routes(folder: Path) -> set[tuple[str, str]]:
    """(method, path) of everything that Gradio would answer by itself."""
    services = open_services(Settings(data=folder))
    mounts = [route for route in build_page_app(services).routes if isinstance(route, Mount)]
    services.database.close()
    return set(walk(list(mounts[-1].routes)))


def test_of_gradio_only_the_listed_routes_are_open(tmp_path: Path, visited: httpx.Client) -> None:
    found = gradio_routes(tmp_path)
    assert len(found) > 80, "the walk found too few routes"
    listed = {(method, path) for method, path in found if is_listed(method, path)}
    assert {path for _, path in listed} == LISTED
    hidden = set(walk(routes_of_ours(tmp_path)))
    for method, path in sorted(found - listed - hidden):
        answer = ask(visited, method, path)
        known = path in LISTED or any(path == ours for _, ours in hidden)
        assert answer.status_code == (405 if known else 404), (method, path)
        if method != "HEAD":
            assert set(answer.json()["error"]) == {"code", "message"}


def is_listed(method: str, path: str) -> bool:
    """Whether a route of Gradio's is one that our page or `gradio_client` needs."""
    return method in ALLOWED_PATHS and ALLOWED_PATHS[method].fullmatch(path) is not None


def routes_of_ours(folder: Path) -> list[BaseRoute]:
    """Our own routes, by which Gradio's of the same path are hidden."""
    services = open_services(Settings(data=folder))
    services.database.close()
    return build_routes(services)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/process_recording"),  # kept what anybody sent
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("GET", "/gradio_api/proxy=https://example.org"),
        ("GET", "/gradio_api/runs"),
        ("POST", "/gradio_api/run-history/connect"),  # writes to the hub with the host's token
        ("POST", "/gradio_api/mcp"),
        ("GET", "/gradio_api/call"),
        ("GET", "/assets"),
        ("GET", "/nothing"),
    ],
)
def test_other_doors_answer_404(visited: httpx.Client, method: str, path: str) -> None:
    answer = ask(visited, method, path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/api/slides", "GET, HEAD"),
        ("PUT", "/api/slides/x/regions", "GET, HEAD, POST"),
        ("GET", "/api/feedback", "POST"),
        ("DELETE", "/api/completions/x/feedback", "GET, HEAD"),
        ("GET", "/logout", "POST"),  # Gradio has one of its own
        ("POST", "/config", "GET"),
        ("POST", "/api/slides/x/tiles/0/0/0", "GET, HEAD"),
    ],
)
def test_a_method_that_a_path_does_not_know_is_405(
    visited: httpx.Client, method: str, path: str, allow: str
) -> None:
    answer = ask(visited, method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api", "/api/slides/"])
def test_what_is_not_there_is_404_in_the_one_shape(visited: httpx.Client, path: str) -> None:
    answer = visited.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_a_client_of_named_endpoints_finds_them(visited: httpx.Client) -> None:
    for path in ("/config", "/gradio_api/info", "/gradio_api/startup-events"):
        assert visited.get(path).status_code == 200, path
    assert ask(visited, "POST", "/gradio_api/call/nothing").status_code != 405


def test_no_websocket_gets_to_gradio() -> None:
    client = TestClient(GradioAllowlist(PlainTextResponse("Gradio"), ()))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/gradio_api/queue/join"):
        pass
    assert client.get("/config").text == "Gradio"


def test_every_route_of_ours_is_documented(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    told = re.sub(r"{\w+}", "{}", text)
    paths = {route.path for route in routes_of_ours(tmp_path) if isinstance(route, Route)}
    ours = {re.sub(r"{[^}]*}", "{}", path) for path in paths if path.startswith("/api/")}
    assert len(ours) > 20
    ours -= {"/api/openapi.json", "/api/docs"}  # the documentation itself
    missing = {path for path in ours if not re.search(re.escape(path) + "[`?]", told)}
    assert not missing
