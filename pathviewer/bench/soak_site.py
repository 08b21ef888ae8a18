"""The installation of `bench soak`: accounts with sessions, answers to judge, a slide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx

from pathviewer.auth.access import COOKIE
from pathviewer.auth.credentials import hash_password
from pathviewer.auth.roles import Role
from pathviewer.bench.load import LoadError
from pathviewer.bench.server_process import bring_assets
from pathviewer.bench.storage_site import Site, add_answers, settings_of
from pathviewer.slides.phantom import write_phantom
from storage.accounts.store import add_account
from storage.blobs import BlobStore
from storage.database import open_database

HOSTILE = "mallory"
_PASSWORD = "a benchmark on loopback"  # noqa: S105  accounts end with the benchmark
_ANSWERS = 6
"""Answers that each person can judge before their own questions are answered."""


@dataclass(frozen=True)
class Person:
    """A person with an account."""

    name: str
    """Name of the account."""
    cookie: str
    """Value of their session's `Cookie` header."""
    completions: tuple[str, ...]
    """Ids of answers to their own question."""


def lay_out(folder: Path, people: int, slide_side: int) -> dict[str, tuple[str, ...]]:
    """Create state folders, slide and accounts; return each account's completions by name."""
    for name in ("embedded", "scripted"):
        bring_assets(folder / name)
    write_phantom(folder / "slides" / "a.tiff", width=slide_side, height=slide_side, seed=7)
    settings = settings_of(folder / "embedded", "")
    database, hashed = open_database(settings.database), hash_password(_PASSWORD)
    completions = {}
    with database.session() as session:
        for name in [*(f"person{number}" for number in range(people)), HOSTILE]:
            account = add_account(session, name=name, role=Role.clinician, password_hash=hashed)
            answers = add_answers(session, BlobStore(settings.blobs), account.id, _ANSWERS)
            completions[name] = tuple(answers)
    database.close()
    return completions


def log_in(base: str, name: str, completions: tuple[str, ...]) -> Person:
    """Log in with a password. Raises LoadError."""
    form = urlencode({"name": name, "password": _PASSWORD, "next": "/"})
    headers = {"Origin": base, "Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx.post(f"{base}/login", content=form, headers=headers, timeout=60)
    if answer.status_code != httpx.codes.SEE_OTHER or COOKIE not in answer.cookies:
        raise LoadError(f"A login was answered {answer.status_code}.")
    return Person(name, f"{COOKIE}={answer.cookies[COOKIE]}", completions)


def database_of(folder: Path) -> str:
    """Return the database of both servers."""
    return settings_of(folder / "embedded", "").database


def site_of(folder: Path) -> Site:
    """Return the site in which acknowledged rows must be present."""
    return Site(folder / "embedded", "", (), ())
