"""The one shape of JSON errors, mistakes of the program's own included."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from pathviewer.api.responses import exception_handlers


async def broken(_: Request) -> Response:
    """A handler with a mistake in it, whose exception names a patient."""
    raise KeyError("/srv/slides/Jane Doe.svs")


def test_a_mistake_of_ours_is_a_sentence_and_tells_nothing() -> None:
    pages = Starlette(routes=[Route("/page", broken)], exception_handlers=exception_handlers())
    answer = TestClient(pages, raise_server_exceptions=False).get("/page")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "Jane" not in answer.text
