"""Gradio's routes: bad requests, whose results are heard, and what is kept of past calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Mount

from pathviewer.api.routes.tile import TileRoute
from pathviewer.server.application import add_guard, build_page_app, open_services
from pathviewer.server.gradio_allowlist import GradioAllowlist
from pathviewer.server.gradio_gateway import GradioGateway
from pathviewer.server.gradio_sessions import MOST_STATES, GradioSessions
from tests.asking import BOX, accounts, asking_settings
from tests.servers import serving

SLOWLY = """
seconds_per_token = 0.05
[[answer]]
texts = ["<think>Step 1: {long}</think><answer>late</answer>"]
""".replace("{long}", "It goes on and on. " * 200)
ROOT = "/gradio_api"
CALLS = 3
NOT_FOUND = (404, "not_found")


@dataclass(frozen=True)
class Site:
    """The running application and what is kept in it of Gradio's sessions."""

    base: str
    """Its address."""
    tokens: dict[str, str]
    """Of its accounts."""
    sessions: GradioSessions
    """Of its page."""

    def client(self, name: str) -> httpx.Client:
        """A script with an account's token."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=20)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("gradio")
    script = folder / "script.toml"
    script.write_text(SLOWLY, encoding="utf-8")
    settings = asking_settings(
        folder, small_phantom, model=f"scripted:{script}", calls_per_account=CALLS
    )
    tokens = accounts(settings)
    services = open_services(settings)
    pages = build_page_app(services)
    mount = pages.routes[-1]
    assert isinstance(mount, Mount)
    assert isinstance(mount.app, GradioAllowlist)
    edge = mount.app._gradio
    assert isinstance(edge, GradioGateway)
    edge.sessions.sweep_seconds = 0.1
    app = add_guard(TileRoute(services.pool, services.access.access_log), pages, services.access)
    with serving(app) as base:
        yield Site(base, tokens, edge.sessions)


@pytest.fixture
def ada(site: Site) -> Iterator[httpx.Client]:
    with site.client("ada") as client:
        yield client


@pytest.fixture
def bob(site: Site) -> Iterator[httpx.Client]:
    with site.client("bob") as client:
        yield client


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code; the one shape and nothing beside it."""
    told = answer.json()
    assert told.keys() == {"error"}, told
    assert told["error"].keys() == {"code", "message"}
    return answer.status_code, str(told["error"]["code"])


def called(client: httpx.Client, name: str = "model", data: list[Any] | None = None) -> str:
    """The event id of a call."""
    answer = client.post(f"{ROOT}/call/{name}", json={"data": data or []})
    return str(answer.raise_for_status().json()["event_id"])


def result(client: httpx.Client, event_id: str, name: str = "model") -> str:
    """All that is told of a call, until its end."""
    return client.get(f"{ROOT}/call/{name}/{event_id}").raise_for_status().text


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


BAD_CALLS: list[tuple[str, Any, int]] = [
    ("queue/join", {"data": [], "fn_index": 9_999, "session_hash": "s"}, 404),
    ("queue/join", {"data": [], "fn_index": -1, "session_hash": "s"}, 404),
    ("queue/join", {"data": [], "fn_index": 0, "session_hash": "s"}, 404),  # is not queued
    ("queue/join", {"data": [], "fn_index": "1", "session_hash": "s"}, 400),
    ("queue/join", {"data": [], "fn_index": True, "session_hash": "s"}, 400),
    ("queue/join", {"data": [], "fn_index": 1}, 400),
    ("queue/join", {"data": [], "fn_index": 1, "session_hash": "s" * 100}, 400),
    ("queue/join", {"data": [], "fn_index": 1, "session_hash": "../s"}, 400),
    ("queue/join", {"data": [1], "fn_index": 1, "session_hash": "s"}, 400),
    ("queue/join", {"data": {}, "fn_index": 1, "session_hash": "s"}, 400),
    ("queue/join", {"fn_index": 1, "session_hash": "s"}, 400),
    ("queue/join", [], 400),
    ("queue/join", None, 400),
    ("call/nothing", {"data": []}, 404),
    ("call/describe", {"data": []}, 404),  # the page's own
    ("call/ask", {"data": []}, 400),
    ("call/ask", {"data": [0] * 99}, 400),
    ("call/slides", {"data": [0] * 60_000}, 413),
    ("call/slides", {}, 400),
    ("call/v2/nothing", {}, 404),
    ("call/v2/reading", {}, 400),
    ("call/v2/reading", {"reading": "x", "more": 1}, 400),
    ("call/v2/reading", [], 400),
    ("run/predict", {"data": [], "fn_index": 9_999}, 404),
    ("run/predict", {"data": [], "fn_index": 1}, 404),  # is queued
    ("run/predict", {"data": [0], "fn_index": 0}, 400),
    ("run/slides", {"data": []}, 400),
    ("cancel", {"session_hash": "s", "fn_index": 1, "event_id": "e"}, 404),
    ("cancel", {"session_hash": "s"}, 400),
    ("reset", {"event_id": 7}, 400),
]
BAD_BODIES = [
    b"",
    b"{",
    b'{"data": [NaN], "fn_index": 1, "session_hash": "s"}',
    b'{"data": [1e999], "fn_index": 1, "session_hash": "s"}',
    b'{"data": [' + b"9" * 5_000 + b'], "fn_index": 1, "session_hash": "s"}',
    b'{"data": ["\\ud800"], "fn_index": 1, "session_hash": "s"}',
    b'{"data": ' + nested(100_000).encode() + b', "fn_index": 1, "session_hash": "s"}',
    b'{"data": ' + nested(70).encode() + b', "fn_index": 1, "session_hash": "s"}',
]


@pytest.mark.parametrize(("route", "body", "status"), BAD_CALLS)
def test_a_bad_call_is_refused_without_a_traceback(
    ada: httpx.Client, capfd: pytest.CaptureFixture[str], route: str, body: Any, status: int
) -> None:
    answer = ada.post(f"{ROOT}/{route}", json=body)
    assert error_of(answer)[0] == status, answer.text
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("body", BAD_BODIES)
@pytest.mark.parametrize("route", ["queue/join", "call/slides", "call/v2/slides", "run/predict"])
def test_a_bad_body_is_refused_without_a_traceback(
    ada: httpx.Client, capfd: pytest.CaptureFixture[str], route: str, body: bytes
) -> None:
    answer = ada.post(f"{ROOT}/{route}", content=body)
    assert error_of(answer) == (400, "bad_json"), answer.text
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "path",
    [
        "/queue/data?session_hash=nobodys",
        "/queue/data",
        "/queue/data?session_hash=a&session_hash=b",
        "/call/model/nothing",
        "/heartbeat/%0a",
    ],
)
def test_results_that_are_not_there(
    ada: httpx.Client, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    answer = ada.get(ROOT + path)
    assert error_of(answer)[0] in (400, 404)
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("query", ["page=1", "p%61ge=1&slide=x", "deep_link=..", "page=&page=x"])
@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info"])
def test_there_is_one_page_whatever_a_query_names(ada: httpx.Client, path: str, query: str) -> None:
    assert ada.get(f"{path}?{query}").status_code == 200


def test_what_an_endpoint_refuses_leaves_no_traceback(
    ada: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    odd: list[Any] = [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, [], 1e300, {}]
    for value in odd:
        told = result(ada, called(ada, "reading", [value]), "reading")
        assert "event: error" in told
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "event",
    [None, {}, {"slide": {}, "region": []}, {"slide": "x", "region": {"shape": "polygon"}}, 7],
)
def test_the_page_tells_of_a_selection_that_is_none(
    ada: httpx.Client, capfd: pytest.CaptureFixture[str], event: Any
) -> None:
    body = {"data": [], "fn_index": 0, "event_data": event, "trigger_id": 1}
    answer = ada.post(f"{ROOT}/run/predict", json=body)
    assert answer.status_code == (400 if event == 7 else 200), answer.text
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_result_is_its_callers_alone(ada: httpx.Client, bob: httpx.Client) -> None:
    event = called(ada)
    assert error_of(bob.get(f"{ROOT}/call/model/{event}")) == NOT_FOUND
    assert error_of(bob.get(f"{ROOT}/queue/data?session_hash={event}")) == NOT_FOUND
    assert error_of(bob.get(f"{ROOT}/heartbeat/{event}")) == NOT_FOUND
    body = {"session_hash": event, "fn_index": 2, "event_id": event}
    assert error_of(bob.post(f"{ROOT}/cancel", json=body)) == NOT_FOUND
    assert "event: complete" in result(ada, event)


def test_a_session_is_its_first_callers_alone(ada: httpx.Client, bob: httpx.Client) -> None:
    body = {"data": [], "fn_index": 2, "session_hash": "adas"}
    event = ada.post(f"{ROOT}/queue/join", json=body).raise_for_status().json()["event_id"]
    assert error_of(bob.post(f"{ROOT}/queue/join", json=body)) == NOT_FOUND
    mixed = {"data": [], "session_hash": "adas"}
    assert error_of(bob.post(f"{ROOT}/call/model", json=mixed)) == NOT_FOUND
    run = {"data": [], "fn_index": 0, "session_hash": "adas"}
    assert error_of(bob.post(f"{ROOT}/run/predict", json=run)) == NOT_FOUND
    assert error_of(bob.get(f"{ROOT}/queue/data?session_hash=adas")) == NOT_FOUND
    assert error_of(bob.get(f"{ROOT}/call/model/{event}")) == NOT_FOUND
    told = ada.get(f"{ROOT}/queue/data?session_hash=adas").text
    assert '"process_completed"' in told


def test_the_calls_of_one_account_are_bounded(
    site: Site, ada: httpx.Client, bob: httpx.Client
) -> None:
    (slide,) = ada.get("/api/slides").json()
    body = {"slide": slide["id"], "box": BOX, "question": "What is it?"}
    begun = [ada.post(f"{ROOT}/call/v2/ask", json=body) for _ in range(CALLS)]
    assert [answer.status_code for answer in begun] == [200] * CALLS
    answer = ada.post(f"{ROOT}/call/model", json={"data": []})
    assert error_of(answer) == (503, "too_many_calls")
    assert int(answer.headers["retry-after"]) > 0
    assert "event: complete" in result(bob, called(bob)), "another account waits for nobody"
    for each in begun:  # whoever leaves gives the calls up
        event = each.json()["event_id"]
        body = {"session_hash": event, "fn_index": 5, "event_id": event}
        assert ada.post(f"{ROOT}/cancel", json=body).status_code == 200
    told = [json.loads(line[6:]) for line in result(ada, called(ada)).splitlines() if "{" in line]
    assert told[0][0]["state"] == "ready"


def test_past_calls_leave_nothing(site: Site, ada: httpx.Client) -> None:
    for _ in range(2 * MOST_STATES):
        assert "event: complete" in result(ada, called(ada))
    kept = site.sessions.page
    assert len(kept.state_holder.session_data) <= MOST_STATES
    assert len(kept._queue.event_analytics) <= 1


def test_who_calls_most_loses_their_own_results_first(
    site: Site, ada: httpx.Client, bob: httpx.Client
) -> None:
    most, kept = site.sessions.most, called(bob)
    site.sessions.most = len(site.sessions) + 2
    try:
        for _ in range(6):
            event = called(ada)
            while site.sessions._unfinished(event):  # pytest's timeout ends it
                assert ada.get("/api/me").status_code == 200
    finally:
        site.sessions.most = most
    assert "event: complete" in result(bob, kept)
    assert "event: complete" in result(ada, event)


def test_what_nobody_hears_is_dropped(site: Site, bob: httpx.Client) -> None:
    site.sessions.idle_seconds = 0.0
    events = [called(bob) for _ in range(CALLS)]
    queue = site.sessions.page._queue
    while len(site.sessions):  # pytest's timeout ends it
        assert bob.get("/api/me").status_code == 200
    assert not any(event in queue.pending_messages_per_session for event in events)
    assert not any(event in queue.pending_event_ids_session for event in events)
    assert error_of(bob.get(f"{ROOT}/call/model/{events[0]}")) == NOT_FOUND
