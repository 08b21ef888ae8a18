"""What people do stands in the audit log, and whoever may read it reads it whole."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from pathviewer.auth.account_admin import change_role
from pathviewer.auth.roles import Role
from pathviewer.commands.main import app
from pathviewer.settings import Settings
from storage.database import open_database
from tests.asking import Clients, accounts, asked_id, asking, asking_settings, heard
from tests.comparing import list_with_pairs

PICTURED = ("picture.png", "report.html")
"""Paths of a reading that send its region's pixels."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Settings:
    return asking_settings(tmp_path_factory.mktemp("audit"), small_phantom)


@pytest.fixture(scope="module")
def clients(settings: Settings) -> Iterator[Clients]:
    """Two clinicians and an administrator."""
    with asking(settings, accounts(settings)) as clients:
        yield clients


def log_of(clients: Clients, after: int = 0) -> list[dict[str, Any]]:
    """The log as an administrator reads it."""
    found = clients["eve"].get("/api/audit", params={"after": after, "limit": 1000})
    return list(found.raise_for_status().json())


def new_entries(clients: Clients, do: Callable[[], Any]) -> list[tuple[str, str, str]]:
    """(account's name, action, subject) of what something leaves in the log."""
    last = log_of(clients)[-1]["id"]
    do()
    names = {client.get("/api/me").json()["account"]: name for name, client in clients.items()}
    return [
        (names.get(entry["account"], entry["account"]), entry["action"], entry["subject"])
        for entry in log_of(clients, last)
    ]


def slide_of(clients: Clients) -> str:
    return str(clients["ada"].get("/api/slides").json()[0]["id"])


def test_no_pixels_of_a_slide_without_an_entry(clients: Clients) -> None:
    """One for all that is looked at within an hour, whatever is fetched first."""
    slide, box = slide_of(clients), {"x": 0, "y": 0, "width": 60, "height": 40}
    tile, preview = f"/api/slides/{slide}/tiles/0/0/0", f"/api/slides/{slide}/preview"
    ada, bob, eve = clients["ada"], clients["bob"], clients["eve"]
    nothing = (f"/api/slides/{slide}/thumbnail?size=128", f"{tile}99", "/api/slides/x/tiles/0/0/0")
    assert new_entries(clients, lambda: [eve.get(path) for path in nothing]) == []
    with ThreadPoolExecutor(8) as threads:
        looks: dict[str, Callable[[], Any]] = {
            "bob": lambda: [one.status_code for one in threads.map(bob.get, [tile] * 8)],
            "ada": lambda: ada.get(f"/api/slides/{slide}/thumbnail?size=512"),
            "eve": lambda: eve.post(preview, json={"box": box}),
        }
        for who, look in looks.items():
            assert new_entries(clients, look) == [(who, "view_slide", slide)]
            assert new_entries(clients, look) == []
    assert new_entries(clients, lambda: [eve.get(tile), ada.get(tile)]) == []


@pytest.mark.long
def test_no_pixels_of_a_reading_without_an_entry(tmp_path: Path, small_phantom: Path) -> None:
    """Its picture and its report show the region to whoever never opened the slide, and a list's
    report those of all its items. What is refused, or sends no pixel, is not entered."""
    settings = asking_settings(tmp_path, small_phantom)
    tokens = accounts(settings)
    list_with_pairs(settings, "a.tiff", items=2)
    with asking(settings, tokens) as clients:
        ada, bob, eve, slide = clients["ada"], clients["bob"], clients["eve"], slide_of(clients)
        reading = asked_id(ada)
        heard(ada, reading)
        picture, report = (f"/api/readings/{reading}/{name}" for name in PICTURED)
        nothing = [(bob, picture), (bob, report), (ada, f"/api/readings/{reading}")]
        assert new_entries(clients, lambda: [who.get(path) for who, path in nothing]) == []
        for who, path in (("ada", picture), ("eve", report)):
            found = new_entries(clients, lambda who=who, path=path: clients[who].get(path))  # type: ignore[misc]
            assert found == [(who, "view_slide", slide)], path
        assert new_entries(clients, lambda: [ada.get(report), eve.get(picture)]) == []
    with asking(settings, tokens) as clients:  # which remembers nobody
        eve = clients["eve"]
        (listed,) = eve.get("/api/worklists").json()
        page = f"/api/worklists/{listed['id']}/report.html"
        seen, printed = ("eve", "view_slide", slide), ("eve", "worklist_report", listed["id"])
        assert new_entries(clients, lambda: eve.get(page).raise_for_status()) == [seen, printed]
        assert new_entries(clients, lambda: eve.get(page).raise_for_status()) == [printed]


def test_who_saw_which_slide(clients: Clients) -> None:
    slide = slide_of(clients)
    ways = (f"/api/slides/{slide}", f"/api/slides/{slide}/region?x=0&y=0&width=9&height=9")
    for path in ways:
        found = new_entries(clients, lambda path=path: clients["bob"].get(path))  # type: ignore[misc]
        assert found == [("bob", "view_slide", slide)], path
    refused = f"/api/slides/{slide}/region?x=-1&y=0&width=9&height=9"
    assert new_entries(clients, lambda: clients["bob"].get(refused)) == []


def test_who_asked_judged_and_looked_at_anothers_reading(clients: Clients) -> None:
    ada, eve, slide = clients["ada"], clients["eve"], slide_of(clients)
    made: list[str] = []
    assert new_entries(clients, lambda: made.append(asked_id(ada))) == [("ada", "ask", made[0])]
    heard(ada, made[0])
    entry = next(entry for entry in log_of(clients) if entry["subject"] == made[0])
    assert entry["detail"] == {"slide": slide, "model": "scripted", "count": 1}
    path = f"/api/readings/{made[0]}"
    assert new_entries(clients, lambda: ada.get(path)) == []
    assert new_entries(clients, lambda: eve.get(path)) == [("eve", "view_reading", made[0])]
    again: list[str] = []
    ((who, action, subject),) = new_entries(
        clients, lambda: again.append(ada.post(f"{path}/again").json()["id"])
    )
    assert (who, action, subject) == ("ada", "ask", again[0])
    completion = ada.get(path).json()["completions"][0]["id"]
    said = {"completion": completion, "kind": "verdict", "verdict": "correct"}
    body = {"key": str(uuid.uuid4()), **said}
    assert new_entries(clients, lambda: ada.post("/api/feedback", json=body)) == [
        ("ada", "judge", completion)
    ]
    assert new_entries(clients, lambda: ada.post("/api/feedback", json=body)) == []


def test_a_question_that_is_refused_was_not_asked(clients: Clients) -> None:
    refused = {"slide": slide_of(clients), "box": {"x": 0, "y": 0, "width": 1, "height": 1}}
    assert new_entries(clients, lambda: clients["ada"].post("/api/readings", json=refused)) == []


def test_who_changed_accounts_and_exported(clients: Clients, settings: Settings) -> None:
    def change() -> None:
        database = open_database(settings.database)
        with database.session() as session:
            change_role(session, "bob", Role.viewer)
            change_role(session, "bob", Role.clinician)
        database.close()

    found = new_entries(clients, change)
    assert [action for _, action, _ in found] == ["role_changed", "role_changed"]


def test_the_command_prints_what_an_administrator_reads(
    clients: Clients, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATHVIEWER_DATA", str(settings.data))
    told = CliRunner().invoke(app, ["audit"]).stdout.splitlines()
    assert [json.loads(line) for line in told] == log_of(clients)
    last = json.loads(told[-2])["id"]
    assert len(CliRunner().invoke(app, ["audit", "--after", str(last)]).stdout.splitlines()) == 1


def test_only_administrators_read_it(clients: Clients) -> None:
    assert clients["ada"].get("/api/audit").status_code == httpx.codes.FORBIDDEN
