"""Accounts and records of the server that random requests go to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx

from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.account_marker import remember_accounts
from pathviewer.auth.roles import Role
from pathviewer.fuzz.program import FuzzError, Program
from pathviewer.fuzz.random_requests import Caller
from pathviewer.settings import Settings
from storage.database import open_database

SECONDS = 60.0
"""Longest wait for a record, s."""
OUTSIDERS = (Caller("wrong", is_known=False), Caller(None, is_known=False))
"""Callers whom a server with accounts lets nowhere."""
BOX = {"x": 0, "y": 0, "width": 300, "height": 300}
FIELDS = {
    "slide": ("slide_id",),
    "reading": ("question_id", "before"),
    "completion": ("completion_id", "other", "left"),
    "region": ("region_id",),
    "upload": ("upload_id",),
    "worklist": ("worklist_id",),
    "item": ("item_id",),
    "comparison": ("comparison_id",),
    "export": ("export_id",),
}
"""Kind of record -> parameters and fields, besides the one of its name, that hold its ids."""

Ids = dict[str, list[str]]
"""Field or parameter -> ids of records."""


def add_accounts(program: Program) -> list[Caller]:
    """Create an account of each role, which ends the access without a login; return them."""
    settings = Settings(data=program.state)
    with closing(open_database(settings.database)) as database, database.session() as session:
        for role in Role:
            add_user(session, role.value, role, "correct horse battery")
        tokens = [make_token(session, role.value, "fuzz", None) for role in Role]
    remember_accounts(settings)
    wait_for(lambda: httpx.get(f"{program.base}/api/me").status_code == httpx.codes.UNAUTHORIZED)
    return [Caller(token, is_known=True) for token in tokens]


def add_worklist(program: Program, slide_file: str, model: str) -> None:
    """Import a worklist and let a model answer its items."""
    question = {"slide": slide_file, "question": "Which?", "options": ["a", "b"], "answer": "a"}
    items = [question | {"box": BOX | {"x": x}} for x in range(0, 1600, 80)]
    file = program.state / "items.jsonl"
    file.write_text("\n".join(map(json.dumps, items)))
    program.command("worklist", "import", str(file), "--repeats", "0")
    program.command("worklist", "generate", file.stem, "--model", model)


def add_records(base: str, caller: Caller) -> Ids:
    """Create records of each kind that the caller may create; return their ids."""
    headers = {"origin": base} | caller.headers()
    with httpx.Client(base_url=base, headers=headers, timeout=SECONDS) as client:
        slide = wait_for(lambda: client.get("/api/slides").json())[0]["id"]
        ids: Ids = {"slide": [slide]}
        for kind, path, body in new_records(slide):
            answer = client.post(path, json=body)
            if answer.is_success:
                record = answer.json()
                ids.setdefault(kind, []).append(record.get("id") or record["upload_id"])
        ids["worklist"] = [each["id"] for each in get_list(client, "/api/worklists")]
        handed = [client.post(f"/api/worklists/{each}/next").json() for each in ids["worklist"]]
        ids["item"] = [each["item"]["id"] for each in handed if each["item"]]
        ids["completion"] = [
            completion["id"]
            for reading in ids.get("reading", ())
            for completion in wait_for(completions_of(client, reading))
        ]
        charts = client.get("/api/insights").json().get("charts", ())
        return ids | {"chart": [chart["name"] for chart in charts]}


def new_records(slide: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return kind, path and body of the requests that create records."""
    question = {"slide": slide, "box": BOX, "question": "What is it?", "options": ["a", "b"]}
    outline = {"shape": "polygon", "points": [[0, 0], [9, 0], [9, 9]]}
    return [
        ("reading", "/api/readings", question),
        ("comparison", "/api/comparisons", question),
        *[("region", f"/api/slides/{slide}/regions", outline)] * 3,
        *[("upload", "/api/uploads", {"name": "a.svs", "size": 9})] * 3,
        ("export", "/api/exports", {"format": "sft"}),
    ]


def get_list(client: httpx.Client, path: str) -> list[Any]:
    """Return a list, empty for those who may not see it."""
    answer = client.get(path)
    return answer.json() if answer.is_success else []


def completions_of(client: httpx.Client, question_id: str) -> Callable[[], Any]:
    """Return a function that reads the completions of a question."""
    return lambda: client.get(f"/api/readings/{question_id}").json()["completions"]


def merge_ids(records: list[Ids]) -> Ids:
    """Return the ids of several callers under the names of all fields that hold them."""
    merged: Ids = {}
    for ids in records:
        for kind, values in ids.items():
            for name in (kind, *FIELDS.get(kind, ())):
                known = merged.setdefault(name, [])
                known += [value for value in values if value not in known]
    return merged


def wait_for(result: Callable[[], Any]) -> Any:
    """Return the first result that is true or not empty; raises FuzzError after a while."""
    until = time.monotonic() + SECONDS
    while not (value := result()):
        if time.monotonic() > until:
            raise FuzzError("The server does not create a record that the requests need.")
        time.sleep(0.1)
    return value
