"""Answers to be judged over HTTP by people of every role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pathviewer.api.responses import exception_handlers
from pathviewer.api.routes.feedback import FeedbackRoutes
from pathviewer.auth.identity import Identity
from pathviewer.auth.roles import Role
from pathviewer.slides.library import SlideLibrary
from storage.accounts.store import add_account
from storage.database import Database
from storage.questions.store import add_completion, add_question
from tests.databases import new_database
from tests.library_app import asked_by, scanned, write_slide
from tests.storage.reading_rows import COMPLETION, new_reading, stored_slide

TEXT = (
    "<think>1. 🔬 Glands are crowded.\n2. Nuclei are dark.\n3. So it is tumour.</think>"
    "<answer>B</answer>"
)
STEPS = ("1. 🔬 Glands are crowded.", "2. Nuclei are dark.", "3. So it is tumour.")


@dataclass(frozen=True)
class Site:
    """The routes, and who asks."""

    database: Database
    """Of the test's own."""
    library: SlideLibrary
    """The slide that ada asked about."""
    app: Starlette
    """Without a guard."""
    people: dict[str, Identity]
    """Accounts by name."""
    completions: tuple[str, ...]
    """Two answers to a question of ada's, and one to another question."""

    def seen_by(self, name: str) -> TestClient:
        """A client of that person."""
        return TestClient(asked_by(self.app, self.people[name]))

    def send(self, name: str, **body: Any) -> Any:
        """What becomes of feedback on the first completion: a verdict if nothing else is said."""
        given = {"key": "k", "completion": self.completions[0], "kind": "verdict"} | body
        if given["kind"] == "verdict":
            given = {"verdict": "correct"} | given
        return self.seen_by(name).post("/api/feedback", json=given)

    def shown(self, name: str, index: int = 0) -> dict[str, Any]:
        """What that person sees of the feedback on a completion."""
        path = f"/api/completions/{self.completions[index]}/feedback"
        answer = self.seen_by(name).get(path)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


@contextmanager
def made_site(folder: Path, url: str = "") -> Iterator[Site]:
    """Ada asked; bob is a colleague of hers, rex a researcher, eve the administrator.

    In a SQLite file if no database is named.
    """
    database = new_database(url or f"sqlite:///{folder / 'x.sqlite3'}")
    write_slide(folder / "slides" / "a.tiff")
    library = scanned(folder / "slides", database=database)
    (slide,) = library.slides()
    roles = {
        "ada": Role.clinician,
        "bob": Role.clinician,
        "rex": Role.researcher,
        "eve": Role.admin,
        "vic": Role.viewer,
    }
    with database.session() as session:
        ids = {name: add_account(session, name=name, role=role).id for name, role in roles.items()}
        stored_slide(session)
        asked = new_reading(slide.id, account_id=ids["ada"])
        reading = add_question(session, asked).id
        other = add_question(session, replace(asked, prompt="Where is it?")).id
        texts = ((reading, 0, TEXT), (reading, 1, "<answer>A</answer>"), (other, 0, TEXT))
        completions = tuple(
            add_completion(session, of, replace(COMPLETION, index=index, text=text)).id
            for of, index, text in texts
        )
    app = FastAPI(
        routes=FeedbackRoutes(library, database).router().routes,
        exception_handlers=exception_handlers(),
    )
    people = {name: Identity(ids[name], name, role) for name, role in roles.items()}
    yield Site(database, library, app, people, completions)
    database.close()
