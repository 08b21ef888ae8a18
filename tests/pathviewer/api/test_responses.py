"""The one shape of JSON errors, mistakes of the program's own included."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from pathviewer.api.responses import exception_handlers
from pathviewer.server import Dispatch

SECRET = "/srv/slides/Jane Doe.svs"


async def broken(_: Request) -> Response:
    """A handler with a mistake in it, whose exception names a patient."""
    raise KeyError(SECRET)


class BrokenTiles:
    """A tile route with such a mistake."""

    def matches(self, path: str) -> bool:
        """Everything below /tiles."""
        return path.startswith("/tiles")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """No answer."""
        del scope, receive, send
        raise KeyError(SECRET)


@pytest.mark.parametrize("path", ["/page", "/tiles"])
def test_a_mistake_of_ours_is_a_sentence_and_tells_nothing(path: str) -> None:
    pages = Starlette(routes=[Route("/page", broken)], exception_handlers=exception_handlers())
    client = TestClient(Dispatch(BrokenTiles(), pages), raise_server_exceptions=False)
    answer = client.get(path)
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "Jane" not in answer.text


def test_it_still_reaches_the_server_log() -> None:
    client = TestClient(Dispatch(BrokenTiles(), Starlette()))
    with pytest.raises(KeyError):
        client.get("/tiles")
