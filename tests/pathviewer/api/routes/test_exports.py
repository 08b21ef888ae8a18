"""Exports over HTTP: begun, watched, fetched, and nobody else's."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from datasets import load_dataset
from sqlalchemy import select

from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.roles import Role
from pathviewer.export.formats import rater_name
from pathviewer.export.manifest import check_export, file_sha256
from pathviewer.settings import Settings
from storage.tables import Account, ExportedCompletion
from tests.pathviewer.export.made_labels import Labels, fill, new_labels
from tests.servers import running

Clients = dict[str, httpx.Client]


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clients, Labels]]:
    """A running application with labels, a researcher and an administrator."""
    data = tmp_path_factory.mktemp("exports")
    labels = new_labels(data)
    fill(labels, slides=4)
    with labels.database.session() as session:
        labels.case(session, "s0", "S-1")
        tokens = {}
        for name, role in (("rosa", Role.researcher), ("eve", Role.admin)):
            add_user(session, name, role, "correct horse battery", rater=False)
            tokens[name] = make_token(session, name, "tests", 1)
    with running(Settings(data=data, model="none")) as base:
        clients = {
            name: httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"})
            for name, token in tokens.items()
        }
        yield clients, labels
        for client in clients.values():
            client.close()
    labels.database.close()


def ended(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """An export, once it has ended."""
    begun = client.post("/api/exports", json=body)
    assert begun.status_code == 202, begun.text
    while True:
        told: dict[str, Any] = client.get(f"/api/exports/{begun.json()['id']}").json()
        if told["state"] != "running":
            return told
        time.sleep(0.05)


def test_an_export_is_begun_watched_and_fetched(
    ward: tuple[Clients, Labels], tmp_path: Path
) -> None:
    clients, labels = ward
    rosa = clients["rosa"]
    choices = rosa.get("/api/exports/choices").raise_for_status().json()
    assert (choices["cases"], choices["question_types"]) == (["S-1"], ["cellularity"])
    bob = rater_name(labels.people["bob"])
    assert bob in choices["raters"]
    told = ended(rosa, {"format": "unpaired", "raters": [bob], "splits": "1,0,0"})
    assert (told["state"], told["done"], told["total"]) == ("done", 2, 2)
    assert told["counts"]["rows"] == {"train": 2}
    answer = rosa.get(f"/api/exports/{told['id']}.zip").raise_for_status()
    assert answer.headers["content-disposition"].endswith('filename="pathviewer-unpaired.zip"')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    assert check_export(tmp_path / "export") == {"train": 2}
    loaded = load_dataset(str(tmp_path / "export"), cache_dir=str(tmp_path / "cache"))
    assert {name for row in loaded["train"] for name in row["raters"]} == {bob}
    assert rosa.get("/api/exports").json()[0] == told
    eve = clients["eve"]
    assert eve.get("/api/exports").json() == []
    assert eve.get(f"/api/exports/{told['id']}").status_code == 404
    assert eve.get(f"/api/exports/{told['id']}.zip").status_code == 404
    log = eve.get("/api/audit?limit=1000").json()
    assert log[-1]["action"] == "exported"
    sha256 = file_sha256(tmp_path / "export" / "manifest.json")
    assert log[-1]["detail"] == {"rows": 2, "comments": False, "sha256": sha256}
    with labels.database.read_only() as session:
        stored = session.scalars(
            select(ExportedCompletion).where(ExportedCompletion.dataset_sha256 == sha256)
        ).all()
        assert {each.completion_id for each in stored} == {*loaded["train"]["completion_id"]}
        names = [session.get_one(Account, str(each.account_id)).name for each in stored]
        assert names == ["rosa", "rosa"]


def test_the_same_choice_is_the_same_archive(ward: tuple[Clients, Labels]) -> None:
    rosa = ward[0]["rosa"]
    found = []
    for _ in range(2):
        told = ended(rosa, {"format": "sft", "cases": ["S-1"], "rule": "majority"})
        found.append(rosa.get(f"/api/exports/{told['id']}.zip").content)
    assert found[0] == found[1]
    log = ward[0]["eve"].get("/api/audit?limit=1000").json()
    first, second = (entry["detail"] for entry in log if entry["subject"] == "sft")
    assert first == second
    with ward[1].database.read_only() as session:
        same = ExportedCompletion.dataset_sha256 == first["sha256"]
        stored = session.scalars(select(ExportedCompletion.completion_id).where(same)).all()
    assert len(stored) == len(set(stored)) > 0


def test_the_oldest_archive_makes_room(ward: tuple[Clients, Labels]) -> None:
    rosa = ward[0]["rosa"]
    told = [ended(rosa, {"format": "grpo"}) for _ in range(6)]
    assert rosa.get(f"/api/exports/{told[0]['id']}.zip").status_code == 404
    assert rosa.get(f"/api/exports/{told[1]['id']}.zip").status_code == 200
    assert len(rosa.get("/api/exports").json()) == 5


def test_what_comes_to_nothing_says_why(ward: tuple[Clients, Labels]) -> None:
    told = ended(ward[0]["rosa"], {"format": "sft", "models": ["other"]})
    assert (told["state"], told["counts"]) == ("failed", None)
    assert told["error"].startswith("No feedback matches")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "csv"}, "format must be one of preference"),
        ({"format": 3}, "format must be one of preference"),
        ({"rule": "most"}, "“most” is no rule"),
        ({"splits": "1,1,1"}, "are no shares"),
        ({"since": "yesterday"}, "“yesterday” is not a date; write it like 2026-03-31"),
        ({"zone": "Mars/Olympus"}, "“Mars/Olympus” is not a time zone"),
        ({"until": "9999-12-31"}, "“9999-12-31” is outside the years"),
        ({"raters": "bob"}, "raters must be a list of at most 10,000 values"),
        ({"raters": ["bob"]}, "bob is not one of the raters"),
        ({"cases": ["S-9"]}, "S-9 is not one of the cases"),
        ({"licence": "a\nb"}, "licence must be a text of at most 200 characters"),
        ({"out": "/etc"}, 'has no field "out"; it has cases'),
    ],
)
def test_what_cannot_be_begun_is_told(
    ward: tuple[Clients, Labels], change: dict[str, Any], told: str
) -> None:
    answer = ward[0]["rosa"].post("/api/exports", json={"format": "sft"} | change)
    assert answer.status_code == 400
    assert told in answer.json()["error"]["message"]
