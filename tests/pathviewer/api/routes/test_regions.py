"""Regions over HTTP: what is kept, for whom, in which unit, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pathviewer.auth.identity import LOCAL, VISITOR, Identity
from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from storage.accounts.store import add_account
from storage.slides.scales import NewScale, enter_scale
from tests.library_app import LibraryApp, library_app, write_slide

CORNERS = [[10.25, 5], [30.75, 5], [30.75, 25], [10.25, 25]]
RECTANGLE = {"name": "Gland", "shape": "rectangle", "points": CORNERS}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LibraryApp]:
    """Two slides of 64 x 48 px: Slide 1 with 0.5 um per px, Slide 2 of unknown resolution."""
    write_slide(tmp_path / "slides" / "a.tiff", 1, mpp=0.5)
    write_slide(tmp_path / "slides" / "b.tiff", 2)
    settings = Settings(data=tmp_path / "state", slides=(tmp_path / "slides",))
    with library_app(settings) as served:
        yield served


@pytest.fixture
def client(served: LibraryApp) -> TestClient:
    """Asks as the local account."""
    return served.seen_by(LOCAL)


def regions_url(served: LibraryApp, index: int = 0) -> str:
    """Where the regions of a slide are."""
    return f"/api/slides/{served.library.slides()[index].id}/regions"


def error_of(response: Any) -> tuple[int, str]:
    """(status, code) of a JSON error; the message must be a sentence."""
    error = response.json()["error"]
    assert error["message"].endswith((".", ")", "?"))
    return response.status_code, error["code"]


def test_a_region_is_kept_as_drawn_with_its_size(served: LibraryApp, client: TestClient) -> None:
    created = client.post(regions_url(served), json=RECTANGLE)
    assert created.status_code == 201
    region = created.json()
    assert region.pop("id")
    assert region == {
        "name": "Gland",
        "shape": "rectangle",
        "points": CORNERS,
        "box": {"x": 10, "y": 5, "width": 21, "height": 20},
        "width_um": pytest.approx(10.25),
        "height_um": pytest.approx(10),
        "area_mm2": pytest.approx(20.5 * 20 * 0.25 / 1e6),
        "mpp_by_hand": False,
    }
    assert client.get(regions_url(served)).json() == [created.json()]
    assert client.get(regions_url(served, 1)).json() == []


def test_sizes_are_unknown_until_somebody_enters_the_mpp(
    served: LibraryApp, client: TestClient
) -> None:
    region = client.post(regions_url(served, 1), json=RECTANGLE).json()
    assert (region["width_um"], region["height_um"], region["area_mm2"]) == (None, None, None)
    with served.database.session() as session:
        slide = served.library.slides()[1].id
        enter_scale(session, slide, LOCAL.account_id, NewScale(0.25, 0.25))
    served.library.refresh()
    (region,) = client.get(regions_url(served, 1)).json()
    assert region["mpp_by_hand"]
    assert region["width_um"] == pytest.approx(20.5 / 4)


def test_regions_are_measured_per_axis_and_so_exported(
    served: LibraryApp, client: TestClient
) -> None:
    slide = served.library.slides()[0].id
    with served.database.session() as session:
        enter_scale(session, slide, LOCAL.account_id, NewScale(0.25, 0.5, 0.5, 0.5))
    served.library.refresh()
    region = client.post(regions_url(served), json=RECTANGLE).json()
    assert (region["width_um"], region["height_um"]) == pytest.approx((20.5 / 4, 10))
    assert region["area_mm2"] == pytest.approx(20.5 / 4 * 10 / 1e6)
    document = client.get(f"{regions_url(served)}.geojson").json()
    assert document["features"][0]["properties"]["measurements"] == {
        "Area µm^2": pytest.approx(51.25),
        "Width µm": pytest.approx(5.125),
        "Height µm": pytest.approx(10),
    }
    scale = document["scale"]
    assert (scale["x"], scale["y"], scale["source"]) == (0.25, 0.5, "entered")
    assert scale["claimed"] == {"x": pytest.approx(0.5), "y": pytest.approx(0.5)}
    assert "local" not in json.dumps(scale)
    again = client.post(f"{regions_url(served)}.geojson", json=document).json()
    assert (again["imported"], again["skipped"]) == (1, [])


def test_names_are_given_where_none_is(served: LibraryApp, client: TestClient) -> None:
    url = regions_url(served)
    nameless = {"shape": "rectangle", "points": CORNERS}
    first = client.post(url, json=nameless).json()
    assert client.post(url, json=nameless).json()["name"] == "Region 2"
    client.delete(f"{url}/{first['id']}")
    names = [client.post(url, json={**nameless, "name": name}).json()["name"] for name in "  "]
    assert names == ["Region 3", "Region 4"]


def test_a_region_is_changed_in_part_or_as_a_whole(served: LibraryApp, client: TestClient) -> None:
    url = regions_url(served)
    region = client.post(url, json=RECTANGLE).json()
    one = f"{url}/{region['id']}"
    renamed = client.put(one, json={"name": "Duct\n1"}).json()
    assert renamed == {**region, "name": "Duct 1"}
    triangle = {"shape": "polygon", "points": [[0, 0], [10, 0], [0, 10]]}
    moved = client.put(one, json=triangle).json()
    assert (moved["name"], moved["shape"]) == ("Duct 1", "polygon")
    assert moved["box"] == {"x": 0, "y": 0, "width": 10, "height": 10}
    corner = [[0, 0], [5, 0], [0, 5]]
    moved = client.put(one, json={"points": corner}).json()
    assert (moved["shape"], moved["points"]) == ("polygon", corner)
    assert client.get(url).json() == [moved]
    assert client.delete(one).status_code == 204
    assert error_of(client.delete(one)) == (404, "not_found")
    assert error_of(client.put(one, json=triangle)) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**RECTANGLE, "points": [[60, 0], [65, 0], [65, 9], [60, 9]]}, "bad_region"),
        ({**RECTANGLE, "points": [[-0.1, 0], [5, 0], [5, 9], [-0.1, 9]]}, "bad_region"),
        ({**RECTANGLE, "points": CORNERS[:3]}, "bad_region"),
        ({**RECTANGLE, "points": [[0, 0], [9, 9]]}, "bad_region"),
        ({**RECTANGLE, "points": "everywhere"}, "bad_region"),
        ({**RECTANGLE, "points": [[0, 0]] * 10_002}, "bad_region"),
        ({**RECTANGLE, "shape": "ellipse"}, "invalid_request"),
        ({**RECTANGLE, "name": "x" * 201}, "bad_region"),
        ({**RECTANGLE, "name": 7}, "invalid_request"),
        ({"name": "no points"}, "invalid_request"),
        ({**RECTANGLE, "colour": "red"}, "invalid_request"),
        ([RECTANGLE], "invalid_request"),
    ],
)
def test_a_bad_region_is_refused_and_nothing_kept(
    served: LibraryApp, client: TestClient, body: Any, code: str
) -> None:
    url = regions_url(served)
    assert error_of(client.post(url, json=body)) == (400, code)
    assert client.get(url).json() == []


def test_a_bad_change_is_refused_and_nothing_changed(
    served: LibraryApp, client: TestClient
) -> None:
    url = regions_url(served)
    region = client.post(url, json=RECTANGLE).json()
    one = f"{url}/{region['id']}"
    for change in ({"points": CORNERS[:3]}, {**RECTANGLE, "points": []}, {"name": "x" * 201}):
        assert error_of(client.put(one, json=change)) == (400, "bad_region")
    assert client.get(url).json() == [region]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", (400, "bad_json")),
        (b"{", (400, "bad_json")),
        (b"[" * 200_000, (400, "bad_json")),
        (b'{"points": [[' + b"9" * 5000 + b", 1]]}", (400, "bad_json")),
        (b" " * (2**20 + 1), (413, "too_large")),
    ],
)
def test_a_body_that_is_not_json_is_refused(
    served: LibraryApp, client: TestClient, content: bytes, error: tuple[int, str]
) -> None:
    assert error_of(client.post(regions_url(served), content=content)) == error


def test_unknown_and_vanished_slides_are_told_apart(served: LibraryApp, client: TestClient) -> None:
    url = regions_url(served)
    assert error_of(client.get("/api/slides/unknown/regions")) == (404, "slide_not_found")
    served.library.slides()[0].file.path.unlink()
    served.library.rescan()
    assert error_of(client.post(url, json=RECTANGLE)) == (410, "slide_gone")


def test_each_account_has_its_own_regions(served: LibraryApp, client: TestClient) -> None:
    with served.database.session() as session:
        account = add_account(session, name="alice", role="clinician", password_hash="unusable")
    alice = served.seen_by(Identity(account.id, "alice", Role.clinician))
    url = regions_url(served)
    mine, hers = client.post(url, json=RECTANGLE).json(), alice.post(url, json=RECTANGLE).json()
    assert client.get(url).json() == [mine]
    assert alice.get(url).json() == [hers]
    assert error_of(alice.put(f"{url}/{mine['id']}", json=RECTANGLE)) == (404, "not_found")
    assert error_of(alice.delete(f"{url}/{mine['id']}")) == (404, "not_found")
    assert [f["id"] for f in alice.get(f"{url}.geojson").json()["features"]] == [hers["id"]]


@pytest.mark.parametrize("identity", [VISITOR, Identity("local", "eve", Role.viewer)])
def test_who_may_only_look_saves_nothing(served: LibraryApp, identity: Identity) -> None:
    client, url = served.seen_by(identity), regions_url(served)
    assert client.get(url).json() == []
    assert client.get(f"{url}.geojson").status_code == 200
    assert error_of(client.post(url, json=RECTANGLE)) == (403, "forbidden")
    assert error_of(client.put(f"{url}/x", json=RECTANGLE)) == (403, "forbidden")
    assert error_of(client.delete(f"{url}/x")) == (403, "forbidden")
    assert error_of(client.post(f"{url}.geojson", json=[])) == (403, "forbidden")


def test_an_exported_file_is_imported_on_another_slide(
    served: LibraryApp, client: TestClient
) -> None:
    triangle = {"name": "Käse", "shape": "polygon", "points": [[0, 0], [10.5, 0], [0, 10]]}
    for body in (RECTANGLE, triangle):
        client.post(regions_url(served), json=body)
    exported = client.get(f"{regions_url(served)}.geojson?bounds_offset=1")
    assert exported.headers["content-type"] == "application/geo+json"
    assert "Slide%201.geojson" in exported.headers["content-disposition"]
    url = f"{regions_url(served, 1)}.geojson"
    answer = client.post(url, content=exported.content).json()
    assert (answer["imported"], answer["skipped"]) == (2, [])
    assert client.get(regions_url(served, 1)).json() == answer["regions"]
    taken = [{key: r[key] for key in ("name", "shape", "points")} for r in answer["regions"]]
    assert taken == [RECTANGLE, triangle]


def test_what_cannot_be_imported_is_named_and_the_rest_kept(
    served: LibraryApp, client: TestClient
) -> None:
    def polygon(*ring: list[float]) -> dict[str, Any]:
        return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[*ring]]}}

    document = [
        polygon([0, 0], [10, 0], [0, 10], [0, 0]),
        polygon([0, 0], [1000, 0], [0, 10], [0, 0]),
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}},
    ]
    url = f"{regions_url(served)}.geojson"
    answer = client.post(url, content=json.dumps(document)).json()
    assert (answer["imported"], [skip["index"] for skip in answer["skipped"]]) == (1, [1, 2])
    assert "outside the slide" in answer["skipped"][0]["reason"]
    assert answer["regions"][0]["name"] == "Region 1"


@pytest.mark.parametrize(
    ("query", "content", "error"),
    [
        ("", b"no JSON", (400, "bad_geojson")),
        ("", b"{}", (400, "bad_geojson")),
        ("", b" " * (5 * 2**20 + 1), (413, "too_large")),
        ("?bounds_offset=yes", b"[]", (400, "invalid_request")),
    ],
)
def test_a_file_that_is_no_geojson_is_refused(
    served: LibraryApp, client: TestClient, query: str, content: bytes, error: tuple[int, str]
) -> None:
    url = f"{regions_url(served)}.geojson{query}"
    assert error_of(client.post(url, content=content)) == error


def test_a_database_that_was_removed_acknowledges_nothing(
    served: LibraryApp, client: TestClient, tmp_path: Path
) -> None:
    url = regions_url(served)
    assert client.post(url, json=RECTANGLE).status_code == 201
    for path in (tmp_path / "state").glob("pathviewer.sqlite3*"):
        path.unlink()
    refused = client.post(url, json=RECTANGLE)
    assert error_of(refused) == (503, "database_gone")
    assert "restore a backup" in refused.json()["error"]["message"]


def test_an_account_keeps_so_many_regions(tmp_path: Path) -> None:
    for name, seed in (("a.tiff", 1), ("b.tiff", 2)):
        write_slide(tmp_path / "slides" / name, seed)
    settings = Settings(
        data=tmp_path / "state", slides=(tmp_path / "slides",), regions_per_account=2
    )
    with library_app(settings) as served:
        client = served.seen_by(LOCAL)
        with served.database.session() as session:
            other = add_account(session, name="other", role="clinician").id
        first = client.post(regions_url(served), json=RECTANGLE).json()
        assert client.post(regions_url(served, 1), json=RECTANGLE).status_code == 201
        refused = client.post(regions_url(served), json=RECTANGLE)
        assert error_of(refused) == (409, "too_many_regions")
        assert "You have 2 regions, and 2 are allowed" in refused.json()["error"]["message"]
        document = client.get(f"{regions_url(served)}.geojson").content
        refused = client.post(f"{regions_url(served)}.geojson", content=document)
        assert error_of(refused) == (409, "too_many_regions")
        changed = client.put(f"{regions_url(served)}/{first['id']}", json={"name": "Other"})
        assert changed.status_code == 200
        stranger = served.seen_by(Identity(other, "other", Role.clinician))
        assert stranger.post(regions_url(served), json=RECTANGLE).status_code == 201
        assert client.delete(f"{regions_url(served)}/{first['id']}").status_code == 204
        assert client.post(regions_url(served), json=RECTANGLE).status_code == 201
