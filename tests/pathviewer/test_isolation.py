"""What one account has in progress does not delay another's slides, on a real server."""

from __future__ import annotations

import os
import select
import signal
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from models.engines.worker.engine import WorkerEngine
from models.registry import DEFAULT_MODEL
from pathviewer.common.work_queue import WorkKind
from pathviewer.server.application import Services, build_app, open_services
from pathviewer.settings import Settings
from tests.asking import accounts, asked_id, asking_settings, heard
from tests.servers import serving

CHECKS, PREVIEWS, WRITES, READS = 45, 40, 60, 300
PATIENCE = 60.0
BIG = {"x": 0, "y": 0, "width": 3000, "height": 2200}


@dataclass(frozen=True)
class Site:
    """A running application and who may use it."""

    base: str
    """Its address."""
    services: Services
    """What it stands on."""
    tokens: dict[str, str]
    """Bearer tokens by account."""

    def client(self, name: str) -> httpx.Client:
        """A client of an account."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=PATIENCE)


@contextmanager
def site_of(settings: Settings) -> Iterator[Site]:
    """The application of these settings."""
    tokens = accounts(settings)
    services = open_services(settings)
    with serving(build_app(services)) as base:
        yield Site(base, services, tokens)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def look_at_slides(site: Site) -> None:
    """What a person does who opens a slide: the list, the slide, its tiles."""
    with site.client("bob") as bob:
        (slide,) = bob.get("/api/slides").raise_for_status().json()
        one = f"/api/slides/{slide['id']}"
        assert bob.get(one).raise_for_status().json()["levels"]
        assert bob.get(f"{one}/tiles/0/0/0").raise_for_status().content


@contextmanager
def stopped_model(site: Site) -> Iterator[None]:
    """The model's process stands still, as one that computes for very long."""
    backend = site.services.engine.engine
    assert isinstance(backend, WorkerEngine)
    process = backend.process_id
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.mark.long
def test_checks_and_previews_of_one_account_do_not_delay_another(
    tmp_path: Path, small_phantom: Path
) -> None:
    settings = asking_settings(tmp_path, small_phantom, model=DEFAULT_MODEL)
    with site_of(settings) as site, site.client("ada") as ada:
        until(lambda: site.services.engine.status().state == "ready")
        reading = asked_id(
            ada, box=BIG, question="How cellular is this region?", options=["a", "b"]
        )
        heard(ada, reading)
        in_progress = site.services.work.accounts.in_progress
        (slide,) = ada.get("/api/slides").json()
        check = f"/api/readings/{reading}/completions/0/deletion"
        preview, body = f"/api/slides/{slide['id']}/preview", {"box": BIG, "max_pixels": 3_000_000}
        with ThreadPoolExecutor(CHECKS + PREVIEWS) as pool:
            with stopped_model(site):
                checks = [pool.submit(ada.post, check, json={}) for _ in range(CHECKS)]
                until(lambda: sum(each.done() for each in checks) == CHECKS - 4)
                previews = [pool.submit(ada.post, preview, json=body) for _ in range(PREVIEWS)]
                look_at_slides(site)
                assert in_progress(WorkKind.deletion_check) == 4
            statuses = Counter(each.result().status_code for each in checks)
            assert statuses == {201: 4, 503: CHECKS - 4}
        refused = [each.result() for each in (*checks, *previews) if each.result().is_error]
        assert {each.json()["error"]["code"] for each in refused} == {"too_busy"}
        assert all(int(each.headers["retry-after"]) > 0 for each in refused)
        assert any(each.result().is_success for each in previews)
        assert in_progress(WorkKind.preview) == in_progress(WorkKind.deletion_check) == 0


@pytest.mark.long
def test_an_answer_that_takes_long_is_bounded_for_its_account_alone(
    tmp_path: Path, small_phantom: Path
) -> None:
    script = tmp_path / "slow.toml"
    script.write_text(
        'seconds_per_token = 0.5\n[[answer]]\ntexts = ["<think>Step 1: a b c d e f g h i j k l '
        'm n o p q r s t u v w x y z.</think><answer>A</answer>"]\n'
    )
    settings = asking_settings(
        tmp_path, small_phantom, model=f"scripted:{script}", questions_per_account=2
    )
    with site_of(settings) as site, site.client("ada") as ada, site.client("bob") as bob:
        first = asked_id(ada)
        asked_id(ada)
        (slide,) = ada.get("/api/slides").json()
        body = {"slide": slide["id"], "box": {"x": 0, "y": 0, "width": 60, "height": 40}}
        for path in ("/api/readings", "/api/comparisons"):
            refused = ada.post(path, json=body | {"question": "What is it?"})
            assert refused.status_code == 503
            assert "2 questions in progress" in refused.json()["error"]["message"]
        again = ada.post(f"/api/readings/{first}/again")
        assert again.json()["error"]["code"] == "too_busy"
        asked_id(bob)
        ada.post(f"/api/readings/{first}/stop").raise_for_status()
        heard(ada, first)
        asked_id(ada)


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Somebody else writes to the database for long."""
    path = settings.database.removeprefix("sqlite:///")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.mark.long
def test_a_locked_database_keeps_nobody_from_looking(tmp_path: Path, small_phantom: Path) -> None:
    settings = asking_settings(tmp_path, small_phantom)
    with site_of(settings) as site, site.client("ada") as ada, site.client("bob") as bob:
        look_at_slides(site)  # and so is in the audit log already
        (slide,) = ada.get("/api/slides").json()
        regions = f"/api/slides/{slide['id']}/regions"
        body = {"shape": "rectangle", "points": [[0, 0], [9, 0], [9, 9], [0, 9]]}
        with ThreadPoolExecutor(WRITES) as pool:
            with locked(settings):
                writes: list[Future[httpx.Response]] = [
                    pool.submit(ada.post, regions, json=body) for _ in range(WRITES)
                ]
                time.sleep(0.5)  # so that they wait for the lock
                for path in ("/api/slides", regions, "/api/readings", "/api/worklists"):
                    bob.get(path).raise_for_status()
                assert bob.get(f"/api/slides/{slide['id']}/tiles/0/1/1").is_success
                assert not any(each.done() for each in writes)
            assert {each.result().status_code for each in writes} == {201}


@pytest.mark.long
def test_who_opens_a_slide_while_the_database_is_locked_waits_alone(
    tmp_path: Path, small_phantom: Path
) -> None:
    settings = asking_settings(tmp_path, small_phantom)
    with site_of(settings) as site, site.client("ada") as ada, site.client("bob") as bob:
        look_at_slides(site)
        (slide,) = ada.get("/api/slides").json()
        one = f"/api/slides/{slide['id']}"
        box = {"x": 0, "y": 0, "width": 40, "height": 30}
        file = {"name": "b.tiff", "size": 9}
        with ThreadPoolExecutor(WRITES + 2) as pool:
            with locked(settings):
                writes = [
                    pool.submit(ada.get, one),
                    pool.submit(ada.post, "/api/uploads", json=file),
                ]
                writes += [pool.submit(ada.get, f"{one}/region", params=box) for _ in range(WRITES)]
                time.sleep(0.5)  # so that they wait for the lock
                for path in ("/api/slides", f"{one}/regions", "/api/readings", "/api/model"):
                    bob.get(path).raise_for_status()
                assert bob.get(f"{one}/tiles/0/1/1").is_success
                assert not any(each.done() for each in writes)
            statuses = {each.result().status_code for each in writes}
            assert statuses == {200, 201}, statuses


@pytest.mark.long
def test_streams_and_tiles_are_bounded_for_each_account(
    tmp_path: Path, small_phantom: Path
) -> None:
    settings = asking_settings(tmp_path, small_phantom, streams_per_account=1, tiles_per_account=1)
    with site_of(settings) as site, site.client("ada") as ada:
        account = ada.get("/api/me").json()["account"]
        (slide,) = ada.get("/api/slides").json()
        bounds = site.services.work.accounts

        def check(kind: WorkKind, path: str) -> None:
            with bounds.slot(account, kind):
                refused = ada.get(path)
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_busy")
                assert int(refused.headers["retry-after"]) > 0
            assert ada.get(path).is_success
            until(lambda: bounds.in_progress(kind) == 0)

        tile = f"/api/slides/{slide['id']}/tiles/0/0/0"
        check(WorkKind.tile, tile)  # of a slide that is not open yet
        with bounds.slot(account, WorkKind.tile):
            assert ada.get(tile).is_success, "what is in memory does not count"
        check(WorkKind.stream, f"/api/readings/{asked_id(ada)}/events")


@contextmanager
def connections(site: Site, name: str, path: str, number: int) -> Iterator[list[socket.socket]]:
    """Connections of an account, each of which has asked for a path and read nothing."""
    address = httpx.URL(site.base)
    lines = f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {site.tokens[name]}"
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(
                closing(socket.create_connection((address.host, address.port or 80)))
            )
            for _ in range(number)
        ]
        for each in sockets:
            each.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        yield sockets


def count_answered(sockets: list[socket.socket]) -> int:
    """Number of connections that have an answer to read."""
    poll = select.poll()
    for each in sockets:
        poll.register(each, select.POLLIN)
    return len(poll.poll(0))


def count_status(site: Site, route: str, status: int) -> int:
    """Number of requests of a route that were answered with a status."""
    named = {"method": "GET", "route": route, "status": str(status)}
    value = site.services.metrics.registry.get_sample_value("pathviewer_requests_total", named)
    return int(value or 0)


READ_ROUTES = (
    "/api/readings/{question_id}",
    "/api/readings/{question_id}/report.html",
    "/api/slides/{slide_id}/map",
    "/api/slides/{slide_id}/regions",
    "/api/completions/{completion_id}/feedback",
)


@contextmanager
def answered_site(folder: Path, slide: Path, **given: int) -> Iterator[tuple[Site, dict[str, str]]]:
    """A site where Ada has asked a question, and the parts of her paths."""
    settings = asking_settings(folder, slide, **given)
    with site_of(settings) as site, site.client("ada") as ada:
        question = asked_id(ada)
        heard(ada, question)
        (completion,) = ada.get(f"/api/readings/{question}").json()["completions"]
        (one,) = ada.get("/api/slides").json()
        parts = {"question_id": question, "slide_id": one["id"], "completion_id": completion["id"]}
        yield site, parts


def test_reads_of_one_account_do_not_delay_another(tmp_path: Path, small_phantom: Path) -> None:
    with (
        answered_site(tmp_path, small_phantom, documents_per_account=READS) as (site, parts),
        site.client("bob") as bob,
    ):
        bob.get("/api/slides").raise_for_status()
        for route in READ_ROUTES:
            with connections(site, "ada", route.format(**parts), READS) as sockets:
                for path in ("/api/slides", "/api/readings", "/api/worklists"):
                    bob.get(path).raise_for_status()
                answered = count_answered(sockets)
                assert answered < READS // 2, f"{route}: {answered} came before Bob's"


@pytest.mark.long
def test_reads_whose_client_has_gone_are_dropped(tmp_path: Path, small_phantom: Path) -> None:
    with answered_site(tmp_path, small_phantom, documents_per_account=READS) as (site, parts):
        for route in READ_ROUTES:
            before = count_status(site, route, 200)
            with connections(site, "ada", route.format(**parts), READS):
                pass

            def all_ended(route: str = route, before: int = before) -> bool:
                return sum(count_status(site, route, each) for each in (200, 499)) == before + READS

            until(all_ended)
            assert count_status(site, route, 499) > READS // 2, route
        assert site.services.work.accounts.in_progress(WorkKind.document) == 0


@pytest.mark.long
def test_documents_are_bounded_for_each_account(tmp_path: Path, small_phantom: Path) -> None:
    with (
        answered_site(tmp_path, small_phantom, documents_per_account=1) as (site, parts),
        site.client("ada") as ada,
        site.client("rex") as rex,
    ):
        bounds = site.services.work.accounts
        for client, path, allowed in (
            (ada, READ_ROUTES[1].format(**parts), 200),
            (ada, READ_ROUTES[2].format(**parts), 200),
            (rex, "/api/worklists/none/report.html", 404),
        ):
            with bounds.slot(client.get("/api/me").json()["account"], WorkKind.document):
                refused = client.get(path)
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_busy")
                assert "1 document in progress" in refused.json()["error"]["message"]
                assert int(refused.headers["retry-after"]) > 0
            assert client.get(path).status_code == allowed


def test_a_bound_is_told_by_an_endpoint_too(tmp_path: Path, small_phantom: Path) -> None:
    from gradio_client import Client

    settings = asking_settings(tmp_path, small_phantom, previews_per_account=1)
    with site_of(settings) as site, site.client("ada") as ada:
        (slide,) = ada.get("/api/slides").json()
        account = ada.get("/api/me").json()["account"]
        headers = {"Authorization": f"Bearer {site.tokens['ada']}"}
        script = Client(site.base, headers=headers, verbose=False)
        slot = site.services.work.accounts.take(account, WorkKind.preview)
        with pytest.raises(Exception, match="1 preview in progress"):
            script.predict(slide["id"], BIG, api_name="/preview")
        slot.release()
        assert script.predict(slide["id"], BIG, api_name="/preview")["width"] > 0
        script.close()
