"""What a request may bring: sizes, depths, numbers and texts, against the real application."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from pathviewer.api.strict_json import MOST_CONTAINERS, parse_json
from pathviewer.common.bounded_json import JsonError
from pathviewer.settings import Settings
from tests.servers import running

KIB = 1024
LIMIT_KIB = 64
MANY_DIGITS = "9" * 5_000
HALF = '"\\ud800"'


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[str]:
    """The application with a small limit and one slide."""
    folder = tmp_path_factory.mktemp("limits")
    slides = folder / "slides"
    slides.mkdir()
    (slides / "a.tiff").write_bytes(small_phantom.read_bytes())
    settings = Settings(
        data=folder / "state", slides=(slides,), request_limit_kib=LIMIT_KIB, model="scripted"
    )
    with running(settings) as base:
        yield base


@pytest.fixture
def client(base: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base, headers={"Origin": base}, timeout=20) as client:
        yield client


@pytest.fixture
def slide(client: httpx.Client) -> str:
    """Id of the one slide."""
    return str(client.get("/api/slides").json()[0]["id"])


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"error"}
    assert answer.json()["error"].keys() == {"code", "message"}
    assert answer.json()["error"]["code"] == code


def chunks(size: int) -> Iterator[bytes]:
    """A body without an announced length."""
    for _ in range(size // KIB):
        yield b" " * KIB


PATHS = [
    "/api/readings",
    "/gradio_api/queue/join",
    "/gradio_api/call/slides",
    "/gradio_api/call/v2/slides",
    "/gradio_api/run/predict",
    "/gradio_api/cancel",
    "/nothing",
]


@pytest.mark.parametrize("path", PATHS)
def test_an_announced_body_that_is_too_large_is_refused(client: httpx.Client, path: str) -> None:
    answer = client.post(path, content=b" " * (LIMIT_KIB * KIB + 1))
    assert_refused(answer, 413, "too_large")
    assert client.get("/api/health").status_code == 200


@pytest.mark.parametrize("path", PATHS[:-1])
def test_a_body_in_chunks_is_counted(client: httpx.Client, path: str) -> None:
    assert_refused(client.post(path, content=chunks(LIMIT_KIB * KIB * 4)), 413, "too_large")
    assert client.get("/api/health").status_code == 200


def test_a_refusal_does_not_wait_for_the_body(base: str) -> None:
    host, port = urlsplit(base).hostname, urlsplit(base).port
    head = (
        f"POST /gradio_api/queue/join HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {base}\r\n"
        f"Content-Length: {10**12}\r\n\r\n"
    )
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_regions_and_uploads_have_limits_of_their_own(client: httpx.Client, slide: str) -> None:
    spaces = b" " * (2 * LIMIT_KIB * KIB)
    path = f"/api/slides/{slide}/regions.geojson"
    assert client.post(path, content=b"[]" + spaces).status_code == 200
    size = 3 * LIMIT_KIB * KIB
    made = client.post("/api/uploads", json={"name": "b.tiff", "size": size}).json()
    piece = client.patch(
        f"/api/uploads/{made['upload_id']}", content=spaces, headers={"Upload-Offset": "0"}
    )
    assert piece.json()["offset"] == len(spaces)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 20_000,  # exhausts a recursive parser
        b'{"a":' * 80 + b"1" + b"}" * 80,  # deeper than anything the program takes
        b'{"question": NaN}',
        b'{"question": -Infinity}',
        b'{"question": 1e999}',  # infinity by another name
        b'{"question": ' + MANY_DIGITS.encode() + b"}",  # Python refuses to convert it
        b'{"question": ' + b"9" * 400 + b"}",  # no float holds it
        b'{"question": ' + b"9" * 19 + b"}",  # no database does
        b'{"question": ' + HALF.encode() + b"}",
        b"{" + HALF.encode() + b": 1}",
        b'{"question": "\xed\xa0\x80"}',  # the same half in bytes
        b'{"question": "\\u0000"}',
        b'{"question": "\xff"}',
    ],
)
@pytest.mark.parametrize("path", ["/api/readings", "/api/feedback", "/api/exports"])
def test_json_that_nothing_can_hold_is_refused(
    client: httpx.Client, path: str, body: bytes
) -> None:
    assert_refused(client.post(path, content=body), 400, "bad_json")


def test_more_lists_than_any_outline_has_are_refused() -> None:
    lists = b'{"points": [' + b"[]," * MOST_CONTAINERS + b"[]]}"
    with pytest.raises(JsonError, match="more than 50,000 lists"):
        parse_json(lists)
    assert len(parse_json(lists.replace(b"[],", b"", 3))["points"]) == MOST_CONTAINERS - 2


def test_text_of_any_script_is_taken(client: httpx.Client) -> None:
    body = json.dumps({"format": "sft", "models": ["\U0001f600 \\u0000 漢字"]})
    answer = client.post("/api/exports", content=body)
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("query", ["limit", "before", "slide"])
def test_numbers_of_many_digits_in_a_query(client: httpx.Client, query: str) -> None:
    answer = client.get("/api/readings", params={query: MANY_DIGITS})
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/audit?after={digits}",
        "/api/audit?limit={digits}",
        "/api/readings/x/completions/{digits}/maps",
        "/api/slides/{slide}/tiles/{digits}/0/0",
        "/api/slides/{slide}/thumbnail?size={digits}",
        "/api/slides/{slide}/region?x={digits}&y=0&width=9&height=9",
        "/api/comparisons/x/left/maps?first=0&stop={digits}",
        "/api/uploads/{digits}",
    ],
)
@pytest.mark.parametrize("digits", [MANY_DIGITS, "9" * 200, "9" * 19])
def test_numbers_of_many_digits_in_a_path(
    client: httpx.Client, slide: str, path: str, digits: str
) -> None:
    answer = client.get(path.format(digits=digits, slide=slide))
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("name", ["Upload-Offset", "Last-Event-ID"])
def test_numbers_of_many_digits_in_a_header(client: httpx.Client, name: str) -> None:
    made = client.post("/api/uploads", json={"name": "c.tiff", "size": 9}).json()
    headers = {"Upload-Offset": "0", name: MANY_DIGITS}
    answer = client.patch(f"/api/uploads/{made['upload_id']}", content=b"x", headers=headers)
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("points", [[[1, 1]], [[1, 1], [2, 2]], [[1e308, 1], [2, 2], [3, 3]]])
def test_an_outline_to_paint_outside_of_is_one(
    client: httpx.Client, slide: str, points: list[Any]
) -> None:
    box = {"x": 100, "y": 100, "width": 448, "height": 448}
    body = {"box": box, "points": points, "paint_outside": True}
    answer = client.post(f"/api/slides/{slide}/preview", json=body)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("root", ["/ui/", "/vendor/", "/vendor/plotly/", "/static/", "/assets/"])
@pytest.mark.parametrize("length", [250, 256, 5_000, 20_000])
def test_long_names_of_static_files_are_not_there(
    client: httpx.Client, root: str, length: int
) -> None:
    answer = client.get(root + "a" * length + ".js")
    assert answer.status_code in (404, 414), answer.text
    assert answer.json()["error"].keys() == {"code", "message"}


@pytest.mark.parametrize("path", ["/ui/%00.js", "/static/a%00b", "/assets/%00", "/api/slides/%00"])
def test_a_nul_in_a_path_is_nothing(client: httpx.Client, path: str) -> None:
    assert_refused(client.get(path), 404, "not_found")


def test_a_nul_in_a_query_is_refused(client: httpx.Client) -> None:
    assert_refused(client.get("/api/insights?model=a%00b"), 400, "bad_request")


def test_a_query_that_is_too_long(client: httpx.Client) -> None:
    assert_refused(client.get("/api/slides?" + "a=b&" * 10_000), 414, "too_long")


@pytest.mark.parametrize(("given", "status"), [("none", 400), ("bytes=9999999-", 416)])
def test_a_range_that_is_none_is_refused_in_the_one_shape(
    client: httpx.Client, given: str, status: int
) -> None:
    answer = client.get("/login.css", headers={"Range": given})
    assert answer.status_code == status
    assert answer.json()["error"].keys() == {"code", "message"}
