"""What the guard lets through: paths, strangers, websockets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.websockets import WebSocketDisconnect

from pathviewer.auth.guard import OPEN_PATHS
from pathviewer.auth.identity_cache import CACHE_SECONDS
from tests.pathviewer.auth.small_site import PAGE, TALK, Site, code


def test_without_accounts_this_machine_is_the_local_admin(local: Site) -> None:
    for _ in range(2):  # looked up, then known
        assert local.client.get("/who").json()["name"] == "local"


def test_with_an_account_strangers_get_401_and_the_way_out(closed: Site) -> None:
    answer = closed.client.get("/who")
    assert code(answer) == (401, "login_required")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_running_site_closes_when_the_first_account_is_made(local: Site) -> None:
    assert local.who() == "local"
    local.add()
    time.sleep(CACHE_SECONDS + 0.1)
    assert local.who() == 401


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
def test_the_named_exceptions_answer_strangers(closed: Site, path: str) -> None:
    assert closed.client.get(path).status_code != 401


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
def test_they_do_so_for_the_methods_of_their_routes_only(closed: Site, path: str) -> None:
    answers = {
        method: closed.client.request(method, path, headers=PAGE).status_code
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
    }
    assert set(answers.values()) == {401}
    assert closed.client.head(path).status_code in {200, 400, 404}


@pytest.mark.parametrize(
    "path",
    [
        "/login/",
        "/login/../who",
        "/login/%2e%2e/who",
        "//login",
        "/LOGIN",
        "/login;x",
        "/login%00",
        "/api/health/",
        "/api/health/../../who",
        "/login/oidc/callback/x",
        "/logout",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_play_on_their_names_opens_a_door(closed: Site, path: str, method: str) -> None:
    statuses = [
        ask(closed, raw_path=raw, path=path, method=method) for raw in (b"/", path.encode())
    ]
    assert statuses == [401, 401]


def ask(running: Site, *, path: str, raw_path: bytes, method: str = "GET", **more: Any) -> int:
    """The status of a request whose path reaches the app as it is, tidied by no client."""
    statuses: list[int] = []
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": raw_path,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"origin", b"http://localhost")],
        "client": ("127.0.0.1", 1),
        **more,
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    anyio.run(running.app, scope, receive, send)
    return statuses[0]


@pytest.mark.parametrize(
    ("path", "root_path", "status"),
    [
        ("/login", "/viewer", 200),  # the proxy took the sub-path off
        ("/viewer/login", "/viewer", 200),  # the proxy left it on
        ("/viewerlogin", "/viewer", 401),
        ("/viewer/viewer/login", "/viewer", 401),
        ("/viewer", "/viewer", 401),
    ],
)
def test_exceptions_hold_under_a_sub_path(
    closed: Site, path: str, root_path: str, status: int
) -> None:
    assert ask(closed, path=path, raw_path=path.encode(), root_path=root_path) == status


@given(
    path=st.text(max_size=40).map(lambda text: f"/{text}"),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"host", b"cookie", b"origin", b"authorization", b"accept"]),
            st.binary(max_size=80),
        ),
        max_size=6,
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "TRACE", "X"]),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_request_upsets_the_guard_or_passes_it(
    closed: Site, path: str, headers: list[tuple[bytes, bytes]], method: str
) -> None:
    status = ask(closed, path=path, raw_path=b"/", method=method, headers=headers)
    assert status in {400, 401, 403} or path in OPEN_PATHS


def test_a_page_for_people_json_for_scripts(closed: Site) -> None:
    accept = {"accept": "text/html,*/*"}
    page = closed.client.get("/?slide=1&x=2", headers=accept)
    assert page.status_code == 401
    assert 'name="password"' in page.text
    assert 'value="/?slide=1&amp;x=2"' in page.text
    assert "Not for diagnosis" in page.text
    fetched = closed.client.get("/", headers={**accept, "sec-fetch-mode": "cors"})
    assert code(fetched) == (401, "login_required")
    assert code(closed.client.post("/", headers={**accept, **PAGE})) == (401, "login_required")


def test_websockets_are_closed_to_strangers(closed: Site) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        closed.client.websocket_connect(TALK, headers=PAGE),
    ):
        pass
    assert (caught.value.code, caught.value.reason) == (1008, "login_required")


def test_a_repeated_header_is_refused_where_it_could_mislead(local: Site) -> None:
    answer = local.client.get("/who", headers=[("host", "localhost"), ("host", "evil.example")])
    assert code(answer) == (400, "bad_request")


def test_nothing_can_name_an_identity_but_the_guard(closed: Site) -> None:
    status = ask(closed, path="/who", raw_path=b"/who", **{"pathviewer.identity": "local"})
    assert status == 401


def test_a_broken_database_is_a_sentence_not_an_open_door(closed: Site, tmp_path: Path) -> None:
    closed.log_in()
    closed.access.forget()
    with closed.database.session() as session:
        session.connection().exec_driver_sql("ALTER TABLE sessions RENAME TO gone")
    answer = closed.client.get("/who")
    assert code(answer) == (503, "storage_failed")
    assert str(tmp_path) not in answer.text
