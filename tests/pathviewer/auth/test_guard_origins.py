"""From which hosts and pages the guard takes a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from tests.pathviewer.auth.small_site import PAGE, TALK, Site, code, site


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",  # DNS rebinding
        "127.0.0.1.evil.example",
        "localhost.evil.example:7860",
        "a b",
        "",
        "127.1",
        "0.0.0.0",
        "testserver",
    ],
)
def test_a_foreign_host_is_refused_even_here(local: Site, host: str) -> None:
    for path in ("/who", "/api/health", "/login"):
        assert code(local.client.get(path, headers={"host": host})) == (400, "bad_host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:7860", "[::1]:7860"])
def test_loopback_names_with_any_port_are_accepted(local: Site, host: str) -> None:
    assert local.who(host=host) == "local"


def test_allowed_names_are_accepted_but_are_not_this_machine(tmp_path: Path) -> None:
    with site(tmp_path, allowed_hosts=("viewer.example",)) as running:
        for _ in range(2):
            assert running.who(host="viewer.example") == 401
            assert running.who() == "local"


def test_what_a_proxy_passed_on_for_others_is_not_this_machine(local: Site) -> None:
    assert local.who() == "local"
    assert local.who(**{"x-forwarded-for": "10.0.0.9"}) == 401
    assert local.who(**{"x-real-ip": "10.0.0.9"}) == 401
    assert local.who(forwarded="for=10.0.0.9") == 401
    assert local.who(**{"x-forwarded-for": "127.0.0.1"}) == "local"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:7860"}, 200),
        ({"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://localhost:7860", "host": "LOCALHOST:7860"}, 200),
        ({"origin": "http://localhost:7860"}, 403),  # a name for it, but not the page's
        ({"origin": "http://127.0.0.1:1"}, 403),  # another program on this machine
        ({"origin": "http://127.0.0.1"}, 403),
        ({}, 403),  # no browser of today leaves it out
        ({"origin": "null"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost.evil.example"}, 403),
        ({**PAGE, "sec-fetch-site": "cross-site"}, 403),
        ({**PAGE, "sec-fetch-site": "same-site"}, 403),  # another port
        ({"authorization": "Bearer " + "x" * 43}, 403),  # no tokens while there is no login
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_own_pages_may_change_anything(
    local: Site, headers: dict[str, str], status: int, method: str
) -> None:
    answer = local.client.request(method, "/who", headers=headers)
    assert answer.status_code == (405 if (method, status) == ("PATCH", 200) else status)
    if status == 403:
        assert code(answer) == (403, "bad_origin")


def test_a_proxy_that_passes_no_port_on_needs_the_pages_address(tmp_path: Path) -> None:
    page = {"origin": "https://viewer.example:8443", "host": "viewer.example"}
    for number, (names, status) in enumerate(
        ((("viewer.example",), 403), (("viewer.example:8443",), 200))
    ):
        with site(tmp_path / str(number), allowed_hosts=names) as running:
            running.add()
            running.log_in()
            cookie = {
                "cookie": f"pathviewer_session={running.client.cookies['pathviewer_session']}"
            }
            assert running.client.post("/who", headers={**page, **cookie}).status_code == status


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null"])
def test_no_other_site_may_read_an_answer(tmp_path: Path, origin: str) -> None:
    ask_first = {"access-control-request-method": "POST"}
    with site(tmp_path, allowed_hosts=("viewer.example",), public_demo=True) as running:
        for host in ("viewer.example", "127.0.0.1:7860"):
            for method, more in (("GET", {}), ("OPTIONS", ask_first), ("POST", {})):
                headers = {"host": host, "origin": origin, **more}
                answer = running.client.request(method, "/shared", headers=headers)
                assert answer.status_code == (403 if method == "POST" else 200)
                assert not [name for name in answer.headers if "access-control" in name.lower()]


def test_a_foreign_page_cannot_post_a_login(closed: Site) -> None:
    form = {"name": "ada", "password": "x"}
    answer = closed.client.post("/login", data=form, headers={"origin": "https://evil.example"})
    assert code(answer) == (403, "bad_origin")


def test_websockets_need_an_own_page_and_an_identity(local: Site, tmp_path: Path) -> None:
    with local.client.websocket_connect(TALK, headers=PAGE) as socket:
        assert socket.receive_json() == {"name": "local"}
    for headers in ({}, {"origin": "https://evil.example"}, {**PAGE, "host": "evil.example"}):
        with (
            pytest.raises(WebSocketDisconnect),
            local.client.websocket_connect(TALK, headers=headers),
        ):
            pass


def test_a_demo_is_open_to_visitors_by_its_own_names(tmp_path: Path) -> None:
    with site(
        tmp_path, base_url="https://me-x.hf.space", public_demo=True, SPACE_HOST="me-x.hf.space"
    ) as demo:
        assert demo.client.get("/who").json()["role"] == "viewer"
        assert demo.who(authorization="Bearer " + "x" * 43) == "visitor"
        assert demo.who(host="evil.example") == 400
        policy = demo.client.get("/").headers["content-security-policy"]
        assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in policy
        assert "x-frame-options" not in demo.client.get("/").headers
