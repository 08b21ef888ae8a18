"""Tiles of the whole running application, while files and clients go away."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pathviewer.settings import Settings
from tests import slide_files
from tests.servers import running


@dataclass(frozen=True)
class Live:
    """The application on a port."""

    base: str
    folder: Path
    ids: dict[int, str]
    """Slide ids by the slide's width, which tells the files apart."""

    def tile(self, width: int, place: str) -> str:
        return f"{self.base}/api/slides/{self.ids[width]}/tiles/{place}"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("slides")
    slide_files.write_aperio_jpeg2000(folder / "cold.svs", 1000, 700)
    slide_files.write_ycbcr(folder / "deleted.tiff", 301, 217)
    slide_files.write_ycbcr(folder / "cut.tiff", 302, 217)
    slide_files.write_aperio_jpeg2000(folder / "left.svs", 1001, 700)
    (folder / "text.svs").write_text("not a slide\n" * 100)
    with running(Settings(data=tmp_path_factory.mktemp("data"), slides=(folder,))) as base:
        listed = httpx.get(f"{base}/api/slides").json()
        yield Live(base, folder, {slide["width"]: slide["id"] for slide in listed})


def test_what_is_no_slide_is_not_listed(live: Live) -> None:
    assert set(live.ids) == {1000, 301, 302, 1001}


def test_two_hundred_at_once(live: Live) -> None:
    async def ask() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            path = live.tile(1000, "1/1/0")
            return await asyncio.gather(*[client.get(path) for _ in range(200)])

    answers = asyncio.run(ask())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


def test_a_slide_deleted_while_open(live: Live) -> None:
    assert httpx.get(live.tile(301, "0/0/0")).status_code == 200
    (live.folder / "deleted.tiff").unlink()
    answer = httpx.get(live.tile(301, "0/1/1"))
    assert answer.status_code in (200, 410)
    if answer.status_code == 410:
        assert answer.json()["error"]["code"] == "slide_gone"
    assert str(live.folder) not in answer.text
    assert httpx.get(live.tile(1000, "0/0/0")).status_code == 200


def test_a_slide_cut_short_while_open(live: Live) -> None:
    assert httpx.get(live.tile(302, "0/0/0")).status_code == 200
    os.truncate(live.folder / "cut.tiff", 1000)
    answer = httpx.get(live.tile(302, "0/4/3"))
    assert answer.status_code in (410, 422)
    assert str(live.folder) not in answer.text
    assert httpx.get(live.tile(1000, "0/0/0")).status_code == 200


def test_clients_that_hang_up(live: Live) -> None:
    host, port = live.base.removeprefix("http://").split(":")
    before = open_files()
    for number in range(100):
        path = live.tile(1001, f"0/{number % 4}/{number % 3}").removeprefix(live.base)
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    assert httpx.get(live.tile(1001, "0/0/0")).status_code == 200
    assert open_files() < before + 50


def open_files() -> int:
    """Number of files and sockets that this process, the server's too, holds open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
