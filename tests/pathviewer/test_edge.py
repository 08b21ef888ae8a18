"""Mistakes of the program's own, met behind, in and before the real guard: one shape of answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import httpx2
import pytest
from fastapi import FastAPI, WebSocket
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from pathviewer.api.responses import exception_handlers
from pathviewer.auth.access import Access
from pathviewer.auth.guard import Picture
from pathviewer.auth.identity import Identity
from pathviewer.server.application import add_guard, build_app, open_services
from pathviewer.settings import Settings
from pathviewer.slides.slide_pool import SlideFile, SlidePool
from storage.database import open_database
from tests.servers import serving

SECRET = "/srv/slides/Jane Doe.svs"
PAGE = "http://127.0.0.1:7860"
TILE = "/api/slides/x/tiles/0/0/0"


class Tiles:
    """A tile route with mistakes in it, whose exceptions name a patient."""

    def __init__(self, *, short_way: bool) -> None:
        """Broken on the short way of tiles in memory, or else on the long one."""
        self._short_way = short_way

    def matches(self, path: str) -> bool:
        """As the real one."""
        return "/tiles/" in path

    def find_cached(self, path: str, identity: Identity) -> Picture | None:
        """None is at hand."""
        del identity
        if self._short_way and self.matches(path):
            raise KeyError(SECRET)
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """No answer."""
        del scope, receive, send
        raise OSError(SECRET)


def pages() -> FastAPI:
    """Routes that fail: before their answer, in the middle of it, and on a socket."""
    app = FastAPI(exception_handlers=exception_handlers())

    @app.get("/fine")
    def fine() -> dict[str, str]:
        return {"all": "well"}

    @app.get("/before")
    def before() -> None:
        raise ZeroDivisionError(SECRET)

    @app.get("/amid")
    def amid() -> StreamingResponse:
        def words() -> Iterator[str]:
            yield "begun"
            raise ZeroDivisionError(SECRET)

        return StreamingResponse(words())

    @app.websocket("/socket")
    async def socket(_: WebSocket) -> None:
        raise ZeroDivisionError(SECRET)

    return app


@pytest.fixture
def access(tmp_path: Path) -> Iterator[Access]:
    """The rules of a machine's own user, with their database."""
    settings = Settings(data=tmp_path, slides=())
    database = open_database(settings.database)
    yield Access(settings, database)
    database.close()


def client(app: ASGIApp) -> TestClient:
    """A browser whose cookie the guard knows, so that its tiles may take the short way."""
    browser = TestClient(
        app, base_url=PAGE, client=("127.0.0.1", 50_000), raise_server_exceptions=False
    )
    assert browser.get("/fine").json() == {"all": "well"}
    return browser


def assert_is_our_sentence(answer: httpx.Response | httpx2.Response) -> None:
    """The one shape, the security headers, and nothing of what went wrong."""
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "Jane" not in answer.text


@pytest.mark.parametrize("short_way", [True, False])
def test_a_mistake_about_a_tile(access: Access, short_way: bool) -> None:
    browser = client(add_guard(Tiles(short_way=short_way), pages(), access))
    assert_is_our_sentence(browser.get(TILE))
    assert browser.get("/fine").status_code == 200


def test_a_mistake_of_a_page_is_answered_once(access: Access) -> None:
    browser = client(add_guard(Tiles(short_way=False), pages(), access))
    assert_is_our_sentence(browser.get("/before"))


def test_a_mistake_amid_an_answer_leaves_what_was_sent(access: Access) -> None:
    browser = client(add_guard(Tiles(short_way=False), pages(), access))
    answer = browser.get("/amid")
    assert (answer.status_code, answer.text) == (200, "begun")


def test_a_mistake_on_a_socket_is_none_of_the_edges(access: Access) -> None:
    browser = client(add_guard(Tiles(short_way=False), pages(), access))
    browser.headers["origin"] = PAGE
    with pytest.raises(ZeroDivisionError), browser.websocket_connect(f"ws{PAGE[4:]}/socket"):
        pass


def test_the_log_says_where_it_was(access: Access, caplog: pytest.LogCaptureFixture) -> None:
    browser = client(add_guard(Tiles(short_way=True), pages(), access))
    assert_is_our_sentence(browser.get(TILE))
    assert "at_hand" in caplog.text
    assert "KeyError" in caplog.text


def test_under_uvicorn_with_the_real_tile_route(
    tmp_path: Path, assets: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def locate(slide_id: str) -> SlideFile:
        raise ZeroDivisionError(f"{SECRET}, of {slide_id}")

    (tmp_path / "assets").symlink_to(assets, target_is_directory=True)
    services = open_services(Settings(data=tmp_path, slides=(), model="none"))
    broken = replace(services, pool=SlidePool(locate, services.settings))
    with serving(build_app(broken)) as base, httpx.Client(base_url=base) as browser:
        for _ in range(5):  # over one connection, which outlives the mistakes
            assert_is_our_sentence(browser.get(TILE))
        assert browser.get("/api/health").status_code == 200
    assert "ZeroDivisionError" in caplog.text
