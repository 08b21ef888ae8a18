"""Visitors of a public demo ask and judge, each for himself, and nothing of it stays."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from pathviewer.operations.demo_visits import VisitCleanup
from pathviewer.operations.errors import UpkeepError
from pathviewer.operations.withdrawal import Subject, withdraw
from pathviewer.server.application import Services, build_app, open_services
from pathviewer.settings import Settings
from storage.accounts.store import list_accounts
from storage.tables import Blob, Completion, Feedback, Question
from tests.asking import BOX, heard
from tests.servers import serving

HEADER = "X-PathViewer-Visitor"


@dataclass(frozen=True)
class Demo:
    """A running public demo."""

    base: str
    """Its URL."""
    services: Services
    """What it runs on."""
    test: str = ""
    """Names of visitors are of one test."""

    def name(self, name: str) -> str:
        """Of a visitor."""
        return f"{name}-{self.test}"

    def visitor(self, name: str = "") -> httpx.Client:
        """A browser tab; a name of none is one that does not say who it is."""
        headers = {"Origin": self.base} | ({HEADER: self.name(name)} if name else {})
        return httpx.Client(base_url=self.base, headers=headers, timeout=30)

    def end_visits(self, keep_labels: bool = False) -> int:
        """As if an hour had passed."""
        self.services.access.visitors.seconds = -1
        one = self.services
        visits = VisitCleanup(
            one.access.visitors, one.database, one.blobs, one.questions, keep_labels
        )
        ended = visits.work()
        self.services.access.visitors.seconds = 3600
        return ended

    def counts(self) -> dict[str, int]:
        """Rows with something of a visitor's, and files."""
        with self.services.database.read_only() as session:
            rows = {
                table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
                for table in (Question, Completion, Feedback)
            }
        files = [path for path in self.services.settings.blobs.glob("??/*") if path.is_file()]
        return rows | {"files": len(files)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Demo]:
    """With canned answers and one slide; a licence that visitors need not sign."""
    state = tmp_path_factory.mktemp("demo") / "state"
    settings = Settings(data=state, public_demo=True, model="scripted", label_licence="cc-by-4.0")
    settings.demo.mkdir(parents=True)
    shutil.copyfile(small_phantom, settings.demo / "demo.tiff")
    services = open_services(settings)
    with serving(build_app(services)) as base:
        yield Demo(base, services)
    assert not settings.content.exists(), "what was kept goes with the program"


@pytest.fixture
def demo(site: Demo) -> Iterator[Demo]:
    """The same for one test, with nothing of any other's in it."""
    services, visitors = site.services, site.services.access.visitors
    yield replace(site, test=uuid.uuid4().hex)
    visitors.seconds, visitors.most = 3600, 2000
    site.end_visits()
    with services.database.read_only() as session:
        accounts = list_accounts(session)
    for account in accounts:
        withdraw(services.database, services.blobs, Subject("rater", account.id))


def ask(client: httpx.Client) -> str:
    """Ask, and wait for the end; the id of the reading."""
    (slide,) = client.get("/api/slides").raise_for_status().json()
    asked: dict[str, Any] = {"slide": slide["id"], "box": BOX, "question": "What is it?"}
    reading = str(client.post("/api/readings", json=asked).raise_for_status().json()["id"])
    heard(client, reading)
    return reading


def judge(client: httpx.Client, reading: str) -> httpx.Response:
    """Call its answer right."""
    completion = client.get(f"/api/readings/{reading}").json()["completions"][0]["id"]
    said = {"completion": completion, "kind": "verdict", "verdict": "correct"}
    return client.post("/api/feedback", json={"key": str(uuid.uuid4()), **said})


def test_each_visitor_asks_and_judges_for_himself(demo: Demo) -> None:
    with demo.visitor("a") as one, demo.visitor("b") as other, demo.visitor() as nobody:
        reading = ask(one)
        assert judge(one, reading).status_code == httpx.codes.CREATED
        assert [row["id"] for row in one.get("/api/readings").json()] == [reading]
        assert other.get("/api/readings").json() == []
        assert other.get(f"/api/readings/{reading}").status_code == httpx.codes.NOT_FOUND
        assert other.get("/api/me").json()["account"] != one.get("/api/me").json()["account"]
        assert nobody.get("/api/readings").status_code == httpx.codes.FORBIDDEN
        assert nobody.get("/api/slides").status_code == httpx.codes.OK
        for path in (f"/api/readings/{reading}/picture.png", f"/api/readings/{reading}/events"):
            assert nobody.get(path).status_code == httpx.codes.FORBIDDEN
            assert nobody.get(f"{path}?visitor={demo.name('a')}").status_code == httpx.codes.OK
            assert (
                nobody.get(f"{path}?visitor={demo.name('b')}").status_code == httpx.codes.NOT_FOUND
            )
        assert "set-cookie" not in one.get("/").headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/uploads"),
        ("PATCH", "/api/slides/x"),
        ("POST", "/api/slides/x/regions"),
        ("POST", "/api/exports"),
        ("GET", "/api/insights"),
        ("GET", "/api/audit"),
    ],
)
def test_a_visitor_may_do_nothing_else(demo: Demo, method: str, path: str) -> None:
    with demo.visitor("a") as visitor:
        answer = visitor.request(method, path, json={} if method != "GET" else None)
    assert answer.status_code == httpx.codes.FORBIDDEN, answer.text


def test_nothing_is_left_of_a_visit_that_is_over(demo: Demo) -> None:
    with demo.visitor("a") as one, demo.visitor("b") as other:
        judge(one, ask(one))
        ask(other)
        assert demo.counts()["questions"] == 2
        assert demo.end_visits() == 2
        assert demo.counts() == {"questions": 0, "completions": 0, "feedback": 0, "files": 0}
        assert one.get("/api/readings").json() == []
        ask(one)
        assert demo.counts()["questions"] == 1


@pytest.mark.long
def test_with_labels_switched_on_what_was_judged_stays(demo: Demo) -> None:
    with demo.visitor("a") as one, demo.visitor("b") as other:
        judge(one, ask(one))
        ask(one)  # which he does not judge
        ask(other)
        assert demo.end_visits(keep_labels=True) == 2
        assert demo.end_visits(keep_labels=True) == 0
    assert (demo.counts()["questions"], demo.counts()["feedback"]) == (1, 1)
    with demo.services.database.read_only() as session:
        kept = session.scalar(select(func.count()).select_from(Blob).where(Blob.kind == "pixels"))
    assert kept


@pytest.mark.parametrize("name", ["short", "a" * 65, "ä" * 16, "a b" * 16])
def test_a_name_of_another_form_is_none(demo: Demo, name: str) -> None:
    headers = {HEADER.encode(): name.encode()}
    with demo.visitor() as visitor:
        assert visitor.get("/api/readings", headers=headers).status_code == httpx.codes.FORBIDDEN


def test_a_look_begins_no_visit(demo: Demo) -> None:
    """However many names are made up, only those count that ask for something."""
    demo.services.access.visitors.most, before = 1, visitors_stored(demo)
    with demo.visitor() as nobody, demo.visitor("a") as one, demo.visitor("b") as other:
        for place in range(20):
            name = f"{place:032}"
            assert nobody.get("/api/me", params={"visitor": name}).json()["actions"] != []
        paths = ("/api/readings", "/api/slides", "/api/me", "/")
        assert {one.get(path).status_code for path in paths} == {httpx.codes.OK}
        account = one.get("/api/me").json()["account"]
        slide = one.get("/api/slides").json()[0]["id"]
        assert one.get(f"/api/slides/{slide}").status_code == httpx.codes.OK
        foreign = {"Origin": "http://evil.example"}
        refused = other.post("/api/readings", json={}, headers=foreign)
        assert refused.status_code == httpx.codes.FORBIDDEN
        assert visitors_stored(demo) == before
        ask(one)
        assert one.get("/api/me").json()["account"] == account, "by which the page keeps drafts"
        full = other.post("/api/readings", json={})
        assert (full.status_code, full.json()["error"]["code"]) == (503, "too_many_visitors")
        assert other.get("/api/slides").status_code == httpx.codes.OK
        assert visitors_stored(demo) == before + 1


def visitors_stored(demo: Demo) -> int:
    """Accounts of visitors in the database."""
    with demo.services.database.read_only() as session:
        return len(list_accounts(session))


def test_a_visit_that_ends_is_over_before_another_begins(demo: Demo) -> None:
    visitors = demo.services.access.visitors
    with demo.visitor("a") as one:
        ask(one)
        visitors.seconds = -1
        (account,) = visitors.list_ended()
        refused = one.post("/api/readings", json={})
        assert (refused.status_code, "has ended" in refused.text) == (503, True)
        assert visitors.list_ended() == [account], "until it is gone"
        visitors.seconds = 3600
        demo.end_visits()
        assert one.post("/api/readings", json={}).status_code == httpx.codes.BAD_REQUEST


def test_a_vote_needs_no_consent_of_a_visitor(demo: Demo) -> None:
    with demo.visitor("a") as one:
        (slide,) = one.get("/api/slides").json()
        asked = {"slide": slide["id"], "box": BOX, "question": "What is it?"}
        comparison = one.post("/api/comparisons", json=asked).raise_for_status().json()
        heard(one, comparison["reading"])
        body = {"key": "k", "choice": "left"}
        voted = one.post(f"/api/comparisons/{comparison['id']}/vote", json=body)
        assert voted.status_code == httpx.codes.OK, voted.text
        assert demo.end_visits(keep_labels=True) == 1
        assert demo.counts()["questions"] == 1, "what was voted on is kept"


def test_a_second_demo_on_the_same_folder_is_refused(demo: Demo) -> None:
    with demo.visitor("a") as one:
        reading = ask(one)
        with pytest.raises(UpkeepError, match="PATHVIEWER_DATA") as refused:
            open_services(demo.services.settings)
        assert str(demo.services.settings.data) in str(refused.value)
        assert one.get(f"/api/readings/{reading}").status_code == httpx.codes.OK
    own = demo.services.settings.model_copy(update={"public_demo": False})
    open_services(own).database.close()


def test_a_refused_request_begins_no_visit(demo: Demo) -> None:
    before = visitors_stored(demo)
    with demo.visitor("a") as visitor:
        refused = [
            visitor.post("/api/readings", json={}),
            visitor.post("/nothing", json={}),
            visitor.post("/api/readings", content=b" " * 2**21),
            visitor.delete("/api/slides"),
        ]
    assert [answer.status_code for answer in refused] == [400, 404, 413, 405]
    assert visitors_stored(demo) == before


@pytest.mark.long
def test_one_client_has_a_share_of_the_visits(demo: Demo) -> None:
    visitors = demo.services.access.visitors
    share, visitors.most_per_client = visitors.most_per_client, 1
    try:
        with demo.visitor("a") as one, demo.visitor("b") as other:
            ask(one)
            full = other.post("/api/readings", json={})
            assert (full.status_code, full.json()["error"]["code"]) == (503, "too_many_visitors")
            assert int(full.headers["retry-after"]) > 0
            ask(one)
    finally:
        visitors.most_per_client = share
