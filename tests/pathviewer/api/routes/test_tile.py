"""Tiles over HTTP: the right bytes, or a plain error that names no path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import slide_files
from tests.slide_api import SlideApi, slide_api


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    slide_files.write_aperio_rgb(folder / "rgb.svs")
    slide_files.write_aperio_jpeg2000(folder / "j2k.svs")
    slide_files.write_ycbcr(folder / "damaged.tiff")
    slide_files.damage_tile(folder / "damaged.tiff", 0, 1)
    slide_files.write_plain(folder / "large.tiff", "deflate", 1600, 1600)
    return folder


@pytest.fixture(scope="module")
def api(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlideApi]:
    with slide_api(folder, tmp_path_factory.mktemp("state")) as api:
        yield api


def tile_path(api: SlideApi, file: Path, place: str) -> str:
    return f"/api/slides/{api.id_of(file)}/tiles/{place}"


def test_a_raw_tile(api: SlideApi, folder: Path) -> None:
    path = tile_path(api, folder / "rgb.svs", "0/1/2")
    for _ in range(2):
        answer = api.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-tile-source"] == "raw"
        assert answer.headers["cache-control"] == "private, max-age=3600"
        assert answer.headers["vary"] == "Cookie"
        assert answer.headers["x-content-type-options"] == "nosniff"
    expected = api.pool.get(api.id_of(folder / "rgb.svs")).raw_tile(0, 1, 2)
    assert expected is not None
    assert answer.content == expected.jpeg


def test_a_transcoded_tile(api: SlideApi, folder: Path) -> None:
    first = api.get(tile_path(api, folder / "j2k.svs", "0/0/0"))
    again = api.get(tile_path(api, folder / "j2k.svs", "0/0/0"))
    assert first.headers["x-tile-source"] == "transcoded"
    assert first.content == again.content


def test_head_has_the_headers_and_no_body(api: SlideApi, folder: Path) -> None:
    path = tile_path(api, folder / "rgb.svs", "0/0/0")
    answer = api.ask(lambda client: client.head(path))
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(api.get(path).content))
    assert answer.content == b""


def test_other_methods_are_refused(api: SlideApi, folder: Path) -> None:
    answer = api.ask(lambda client: client.post(tile_path(api, folder / "rgb.svs", "0/0/0")))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("place", "code", "reason"),
    [
        ("9/0/0", "tile_not_found", "a level too many"),
        ("0/5/0", "tile_not_found", "one column beyond"),
        ("0/0/4", "tile_not_found", "one row beyond"),
        ("0/999999999/0", "tile_not_found", "a huge column"),
        ("0/" + "9" * 30 + "/0", "not_found", "more digits than any slide has columns"),
        ("-1/0/0", "not_found", "a negative level"),
        ("0/-1/0", "not_found", "a negative column wraps in Python"),
        ("0/+1/0", "not_found", "a sign"),
        ("0/1.0/0", "not_found", "not whole"),
        ("0/%D9%A1/0", "not_found", "an Arabic digit"),
        ("0/%C2%B2/0", "not_found", "a superscript digit"),
        ("0/1/0/", "not_found", "a slash too many"),
        ("0/1", "not_found", "a number too few"),
        ("0//0", "not_found", "an empty number"),
        ("0/1_0/0", "not_found", "Python's way of writing 10"),
    ],
)
def test_a_tile_that_is_not_there(
    api: SlideApi, folder: Path, place: str, code: str, reason: str
) -> None:
    answer = api.get(tile_path(api, folder / "rgb.svs", place))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize("slide_id", ["nothing", "..", "%2e%2e%2fetc", "x" * 5000, "'; --"])
def test_an_unknown_slide(api: SlideApi, slide_id: str) -> None:
    answer = api.get(f"/api/slides/{slide_id}/tiles/0/0/0")
    assert answer.status_code == 404
    assert len(answer.text) < 500


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers() | st.integers(0, 6)] * 3))
def test_any_three_integers_get_a_tile_or_a_404(
    api: SlideApi, folder: Path, place: tuple[int, int, int]
) -> None:
    level, column, row = place
    levels = api.pool.get(api.id_of(folder / "rgb.svs")).levels
    there = (
        0 <= level < len(levels)
        and 0 <= column < levels[level].columns
        and 0 <= row < levels[level].rows
    )
    answer = api.get(tile_path(api, folder / "rgb.svs", f"{level}/{column}/{row}"))
    assert answer.status_code == (200 if there else 404)


def test_a_damaged_tile_is_said_to_be_and_the_next_is_served(api: SlideApi, folder: Path) -> None:
    for _ in range(2):
        answer = api.get(tile_path(api, folder / "damaged.tiff", "0/1/0"))
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "tile_damaged"
        assert str(folder) not in answer.text
        assert "damaged.tiff" not in answer.text
        assert api.get(tile_path(api, folder / "damaged.tiff", "0/0/0")).status_code == 200


def test_a_tile_above_damage_is_not_kept_by_browsers(api: SlideApi, folder: Path) -> None:
    for _ in range(2):
        answer = api.get(tile_path(api, folder / "damaged.tiff", "1/0/0"))
        assert answer.status_code == 200
        assert answer.headers["x-tile-damaged"] == "1"
        assert answer.headers["cache-control"] == "no-store"
        sound = api.get(tile_path(api, folder / "damaged.tiff", "1/2/1"))
        assert "x-tile-damaged" not in sound.headers
        assert sound.headers["cache-control"] == "private, max-age=3600"


def test_tiles_of_the_file_do_not_wait_for_ones_put_together(api: SlideApi, folder: Path) -> None:
    levels = api.pool.get(api.id_of(folder / "large.tiff")).levels
    joined = next(i for i, level in enumerate(levels) if not level.native)
    places = [f"{joined}/{column}/{row}" for column in range(2) for row in range(4)]

    async def together(client: httpx.AsyncClient) -> list[str]:
        done = []

        async def ask(place: str) -> None:
            answer = await client.get(tile_path(api, folder / "large.tiff", place))
            assert answer.status_code == 200
            done.append(place)

        await asyncio.gather(*map(ask, [*places, "0/1/1"]))
        return done

    assert api.ask(together)[0] == "0/1/1"


def test_two_hundred_requests_for_a_cold_tile_read_it_once(tmp_path: Path) -> None:
    folder = tmp_path / "slides"
    folder.mkdir()
    path = slide_files.write_aperio_jpeg2000(folder / "cold.svs", 1000, 1000)

    def cost(requests: int) -> int:
        with slide_api(folder, tmp_path / f"state{requests}") as api:
            address = tile_path(api, path, "0/1/1")

            async def together(client: httpx.AsyncClient) -> list[httpx.Response]:
                return await asyncio.gather(*[client.get(address) for _ in range(requests)])

            before = api.pool.readers.calls_begun
            answers = api.ask(together)
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.content for answer in answers}) == 1
            return api.pool.readers.calls_begun - before

    assert cost(200) == cost(1) == 2  # one to open the slide, one to make the tile


def test_a_client_that_leaves_takes_no_tile_from_others(tmp_path: Path) -> None:
    folder = tmp_path / "slides"
    folder.mkdir()
    path = slide_files.write_aperio_jpeg2000(folder / "cold.svs", 1000, 1000)
    with slide_api(folder, tmp_path / "state") as api:
        address = tile_path(api, path, "1/0/0")

        async def leave(client: httpx.AsyncClient) -> list[object]:
            tasks = [asyncio.create_task(client.get(address)) for _ in range(20)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

        answers = api.ask(leave)
        stayed = [answer for answer in answers[1::2] if isinstance(answer, httpx.Response)]
        assert [answer.status_code for answer in stayed] == [200] * 10
        assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])


def test_a_replaced_file_is_not_answered_from_memory(tmp_path: Path) -> None:
    folder = tmp_path / "slides"
    folder.mkdir()
    path = slide_files.write_ycbcr(folder / "x.tiff")
    with slide_api(folder, tmp_path / "state", open_slide_seconds=1) as api:
        address = f"/api/slides/{api.id_of(path)}/tiles/0/4/3"
        before = api.get(address).content
        for _ in range(3):
            assert api.get(address).content == before
        slide_files.write_ycbcr(tmp_path / "new.tiff", 310, 230)
        (tmp_path / "new.tiff").replace(path)
        until = time.monotonic() + 10
        while api.get(address).content == before and time.monotonic() < until:
            time.sleep(0.05)
        assert api.get(address).content != before
