"""Accounts that ask a running application, and what they hear of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from tests.databases import new_database
from tests.servers import running

BOX = {"x": 0, "y": 0, "width": 60, "height": 40}
ROLES = {
    "ada": Role.clinician,
    "bob": Role.clinician,
    "rex": Role.researcher,
    "eve": Role.admin,
}
Clients = dict[str, httpx.Client]


def asking_settings(folder: Path, slide: Path, **given: Any) -> Settings:
    """A state folder and a folder with one slide; canned answers if no other model is given."""
    (folder / "slides").mkdir()
    shutil.copyfile(slide, folder / "slides" / "a.tiff")
    options = {"model": "scripted", **given}
    settings = Settings(data=folder / "state", slides=(folder / "slides",), **options)
    settings.data.mkdir()
    return settings


def accounts(settings: Settings) -> dict[str, str]:
    """A bearer token of each account: two clinicians, a researcher and an administrator."""
    database = new_database(settings.database)
    with database.session() as session:
        for name, role in ROLES.items():
            add_user(session, name, role, "correct horse battery")
        tokens = {name: make_token(session, name, "tests", 1) for name in ROLES}
    database.close()
    return tokens


@contextmanager
def asking(settings: Settings, tokens: dict[str, str]) -> Iterator[Clients]:
    """The running application, seen by each account."""
    with running(settings) as base, ExitStack() as stack:
        yield {
            name: stack.enter_context(
                httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"})
            )
            for name, token in tokens.items()
        }


def asked(client: httpx.Client, **given: Any) -> httpx.Response:
    """Ask about a corner of the slide."""
    (slide,) = client.get("/api/slides").raise_for_status().json()
    body = {"slide": slide["id"], "box": BOX, "question": "What is it?", **given}
    return client.post("/api/readings", json=body)


def asked_id(client: httpx.Client, **given: Any) -> str:
    """The same; the id of the reading."""
    return str(asked(client, **given).raise_for_status().json()["id"])


def heard(client: httpx.Client, reading: str, last: int = 0, until: str = "done") -> list[Any]:
    """Events with their numbers, until one of a type or the end."""
    events = []
    headers = {"Last-Event-ID": str(last)}
    path = f"/api/readings/{reading}/events"
    with client.stream("GET", path, headers=headers, timeout=30) as answer:
        number = 0
        for line in answer.iter_lines():
            if line.startswith("id:"):
                number = int(line[3:])
            if line.startswith("data:"):
                events.append((number, json.loads(line[5:])))
                if events[-1][1]["type"] == until:
                    return events
    return events
