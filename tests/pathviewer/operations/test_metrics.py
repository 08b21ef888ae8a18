"""Metrics of the running application, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from prometheus_client.parser import text_string_to_metric_families

from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.roles import Role
from pathviewer.common.work_queue import WorkKind
from pathviewer.server.application import build_app, open_services
from pathviewer.server.run import open_connections, uvicorn_config
from pathviewer.settings import Settings
from tests.asking import asked_id, asking_settings, heard
from tests.databases import lay_database
from tests.servers import running, serving

Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(text: str) -> Samples:
    """Every value by its name and the values of its labels."""
    return {
        (each.name, tuple(each.labels.values())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


@dataclass(frozen=True)
class Site:
    """A running application."""

    base: str
    """Its address."""
    tokens: dict[Role, str]
    """A bearer token of an account of each role."""

    def client(self, role: Role) -> httpx.Client:
        """A client of the account of a role."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return httpx.Client(base_url=self.base, headers=headers)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Site]:
    settings = asking_settings(tmp_path_factory.mktemp("metrics"), small_phantom)
    lay_database(settings.database)
    services = open_services(settings)
    with services.database.session() as session:
        for role in Role:
            add_user(session, f"dr-{role}", role, "correct horse battery staple")
        tokens = {role: make_token(session, f"dr-{role}", "tests", 1) for role in Role}
    with serving(build_app(services)) as base:
        yield Site(base, tokens)


def test_what_goes_on_is_counted(site: Site) -> None:
    with site.client(Role.clinician) as client, site.client(Role.viewer) as prometheus:
        before = samples(prometheus.get("/api/metrics").text)
        reading = asked_id(client)
        heard(client, reading)
        (slide,) = client.get("/api/slides").json()
        one = f"/api/slides/{slide['id']}"
        assert client.get(f"{one}/tiles/0/0/0").is_success
        assert client.get(f"{one}/tiles/0/999999/0").status_code == 404
        assert client.get("/api/no/such/page").status_code == 404
        after = samples(prometheus.get("/api/metrics").text)

    def more(name: str, *labels: str) -> float:
        return after[name, labels] - before.get((name, labels), 0)

    assert more("pathviewer_requests_total", "POST", "/api/readings", "201") == 1
    assert more("pathviewer_requests_total", "GET", "other", "404") == 1
    assert more("pathviewer_request_seconds_count", "/api/readings/{question_id}/events") == 1
    assert more("pathviewer_tiles_total", "raw") == 1
    assert more("pathviewer_tiles_total", "refused") == 1
    assert more("pathviewer_database_write_seconds_count", "saved") > 0
    assert after["pathviewer_in_progress", ("question",)] == 0
    assert after["pathviewer_model_waiting", ("question",)] == 0
    assert after["process_resident_memory_bytes", ()] > 2**20
    assert ("pathviewer_resident_bytes", ("children",)) in after


def test_gradios_sessions_are_counted(site: Site) -> None:
    with site.client(Role.viewer) as client:

        def count(kind: str) -> float:
            return samples(client.get("/api/metrics").text)["pathviewer_gradio_sessions", (kind,)]

        before = count("owned")
        call = client.post("/gradio_api/call/slides", json={"data": []}).raise_for_status().json()
        assert count("owned") == before + 1
        client.get(f"/gradio_api/call/slides/{call['event_id']}").raise_for_status()
        assert count("unowned") == 0


def test_every_metric_and_kind_of_work_is_documented(site: Site) -> None:
    page = (Path(__file__).parents[3] / "docs" / "upkeep.md").read_text()
    with site.client(Role.viewer) as client:
        families = list(text_string_to_metric_families(client.get("/api/metrics").text))
    named = {f"`{each.name}`" for each in families if each.name.startswith("pathviewer_")}
    named = {name for name in named if not name.endswith("_created`")}
    words = set(page.replace(",", " ").split())
    missing = {name for name in named if not {name, f"{name[:-1]}_total`"} & words}
    assert missing == set()
    (row,) = [line for line in page.splitlines() if "pathviewer_in_progress" in line]
    assert [kind for kind in WorkKind if kind not in row] == []


def test_labels_name_nobody(site: Site) -> None:
    with site.client(Role.admin) as client:
        (slide,) = client.get("/api/slides").json()
        client.get(f"/api/slides/{slide['id']}").raise_for_status()
        text = client.get("/api/metrics").raise_for_status().text
    assert slide["id"] not in text
    assert "dr-" not in text


@pytest.mark.parametrize("role", list(Role))
def test_a_token_of_any_account_reads_them(site: Site, role: Role) -> None:
    with site.client(role) as client:
        answer = client.get("/api/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=1.0.0")


@pytest.mark.parametrize(("role", "status"), [(Role.admin, 200), (Role.clinician, 403)])
def test_by_a_login_administrators_alone_do(site: Site, role: Role, status: int) -> None:
    with httpx.Client(base_url=site.base, headers={"Origin": site.base}) as client:
        form = {"name": f"dr-{role}", "password": "correct horse battery staple"}
        assert client.post("/login", data=form).status_code == 303
        assert client.get("/api/metrics").status_code == status


def test_a_stranger_does_not(site: Site) -> None:
    for headers in ({}, {"Authorization": "Bearer " + "x" * 43}):
        assert httpx.get(f"{site.base}/api/metrics", headers=headers).status_code == 401


@pytest.mark.long
def test_a_visitor_of_a_public_demo_does_not(tmp_path: Path) -> None:
    with running(Settings(data=tmp_path, public_demo=True)) as base:
        headers = {"Authorization": "Bearer " + "x" * 43}
        assert httpx.get(f"{base}/api/metrics", headers=headers).status_code == 403


@pytest.mark.long
def test_who_sits_at_this_machine_does(tmp_path: Path) -> None:
    with running(Settings(data=tmp_path)) as base:
        assert httpx.get(f"{base}/api/metrics").status_code == 200


@pytest.mark.long
def test_open_connections_are_those_of_the_server(tmp_path: Path) -> None:
    services = open_services(Settings(data=tmp_path))
    server = uvicorn.Server(uvicorn_config(build_app(services)))
    assert open_connections(server) == {"http": 0}
    services.database.close()


@pytest.mark.long
def test_a_tile_at_hand_is_counted_by_its_source_too(tmp_path: Path, small_phantom: Path) -> None:
    settings = asking_settings(tmp_path, small_phantom, model="none")
    with running(settings) as base, httpx.Client(base_url=base) as client:
        (slide,) = client.get("/api/slides").json()
        for _ in range(5):
            client.get(f"/api/slides/{slide['id']}/tiles/0/0/0").raise_for_status()
        found = samples(client.get("/api/metrics").text)
    assert found["pathviewer_tiles_total", ("raw",)] == 5
