"""Tiles that are in memory are sent by the guard itself: for those alone who may have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pathviewer.auth.account_admin import add_user
from pathviewer.auth.roles import Role
from pathviewer.server.application import open_services
from pathviewer.settings import Settings
from tests import slide_files
from tests.servers import running

PASSWORD = "a long password"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[str]:
    """The URL of the whole application with one slide and one account."""
    folder, data = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    slide_files.write_ycbcr(folder / "a.tiff", 301, 217)
    (data / "assets").symlink_to(assets, target_is_directory=True)
    settings = Settings(data=data, slides=(folder,))
    services = open_services(settings)
    with services.database.session() as session:
        add_user(session, "anna", Role.viewer, PASSWORD)
    services.database.close()
    with running(settings) as base:
        yield base


@pytest.fixture
def anna(base: str) -> Iterator[httpx.Client]:
    """Somebody who has just logged in."""
    with httpx.Client(base_url=base, headers={"Origin": base}) as client:
        client.post("/login", data={"name": "anna", "password": PASSWORD})
        yield client


@pytest.fixture
def tile(anna: httpx.Client) -> str:
    """The path of a tile that is in memory."""
    slide = anna.get("/api/slides").json()[0]["id"]
    path = f"/api/slides/{slide}/tiles/0/0/0"
    for _ in range(3):
        assert anna.get(path).status_code == 200
    return path


def test_the_short_way_and_the_long_way_give_one_answer(anna: httpx.Client, tile: str) -> None:
    short = anna.get(tile)
    # whoever sends a header of a proxy's or a token is looked at closely
    long = anna.get(tile, headers={"Authorization": "Basic eA=="})
    assert short.content == long.content
    assert len(short.content) > 0
    same = [{k: v for k, v in way.headers.items() if k != "date"} for way in (short, long)]
    assert same[0] == same[1]
    assert short.headers["x-content-type-options"] == "nosniff"
    assert short.headers["cross-origin-resource-policy"] == "same-origin"
    assert short.headers["cache-control"] == "private, max-age=3600"


def test_the_head_of_a_tile_in_memory(anna: httpx.Client, tile: str) -> None:
    answer = anna.head(tile)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == anna.get(tile).headers["content-length"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "", {"Cookie": ""}, 401),
        ("GET", "", {"Cookie": "pathviewer_session=" + 43 * "A"}, 401),
        ("GET", "", {"Host": "evil.example"}, 400),
        ("POST", "", {"Origin": "http://evil.example"}, 403),
        ("POST", "", {}, 405),
        ("GET", "/0", {}, 404),
        ("GET", "7", {}, 404),  # a row that is not there
    ],
)
def test_no_tile_in_memory_without_the_guards_leave(
    anna: httpx.Client, tile: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = anna.request(method, tile + path, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["code"]
    assert "content-security-policy" in answer.headers


def test_logout_takes_effect_at_once(anna: httpx.Client, tile: str) -> None:
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in anna.cookies.items())}
    assert httpx.get(f"{anna.base_url}{tile}", headers=cookie).status_code == 200
    assert anna.post("/logout").status_code == 303
    assert httpx.get(f"{anna.base_url}{tile}", headers=cookie).status_code == 401
