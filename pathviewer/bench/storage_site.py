"""The installation of `bench storage`: raters, answers to judge, and checks afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Executable, func, select, text

from pathviewer.auth.account_admin import make_token
from pathviewer.auth.roles import Role
from pathviewer.bench.load import LoadError
from pathviewer.settings import Settings
from storage.accounts.store import add_account
from storage.blobs import BlobStore, store_blob
from storage.database import open_database
from storage.feedback.tables import CurrentFeedback, Feedback
from storage.questions.records import NewCompletion, NewQuestion
from storage.questions.store import add_completion, add_question, end_question
from storage.slides.store import register_slide
from storage.tables import AuditEntry, Question

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from starlette.types import ASGIApp

_TEXT = (
    "<think>1. The glands are crowded and irregular.\n2. Nuclei are dark and uneven.\n"
    "3. So this is tumour.</think><answer>B</answer>"
)
_PICTURE = b"the picture that the model saw"
_AUDITED_FEEDBACK = select(AuditEntry.detail["feedback"].as_string()).where(
    AuditEntry.action == "judge"
)
_CURRENT_FEEDBACK = select(CurrentFeedback.feedback_id)
_SUPERSEDED = select(Feedback.supersedes_id).where(Feedback.supersedes_id.is_not(None))
_HALVES: dict[str, Executable] = {
    "feedback without an audit entry": select(Feedback.id).where(
        Feedback.id.not_in(_AUDITED_FEEDBACK)
    ),
    "feedback that neither holds nor is superseded": select(Feedback.id).where(
        Feedback.id.not_in(_CURRENT_FEEDBACK), Feedback.id.not_in(_SUPERSEDED)
    ),
    "feedback that holds and is superseded": select(Feedback.id).where(
        Feedback.id.in_(_CURRENT_FEEDBACK), Feedback.id.in_(_SUPERSEDED)
    ),
    "feedback that was stored twice": select(Feedback.idempotency_key)
    .group_by(Feedback.idempotency_key)
    .having(func.count() > 1),
}
"""Queries for traces of half a transaction, or of one that ran twice."""
_DAMAGE = {
    "broken references": text("PRAGMA foreign_key_check"),
    "damage": text("SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
}
"""Further SQLite checks, since the killed server wrote the file itself."""


@dataclass(frozen=True)
class Site:
    """A state folder with answers to judge."""

    data: Path
    """The folder."""

    url: str
    """Its database; empty for SQLite in the folder."""

    tokens: tuple[str, ...]
    """Bearer tokens, one per rater."""

    completions: tuple[str, ...]
    """Ids of the completions to judge."""


def settings_of(data: Path, url: str) -> Settings:
    """Return settings of that folder and database, regardless of the environment."""
    return Settings(data=data, slides=(), database_url=url, model="none")


def storage_app(data: Path, url: str) -> ASGIApp:
    """Return the whole application without a model."""
    from pathviewer.server.application import create_app

    return create_app(settings_of(data, url))


def make_site(data: Path, raters: int, completions: int, url: str = "") -> Site:
    """Create a site; its raters are researchers, who see every question."""
    settings = settings_of(data, url)
    database = open_database(settings.database)
    with database.session() as session:
        names = [f"rater{number}" for number in range(raters)]
        ids = [add_account(session, name=name, role=Role.researcher).id for name in names]
        tokens = tuple(make_token(session, name, "bench", 1) for name in names)
        answers = tuple(add_answers(session, BlobStore(settings.blobs), ids[0], completions))
    database.close()
    return Site(data, url, tokens, answers)


def add_answers(session: Session, blobs: BlobStore, account: str, count: int) -> Sequence[str]:
    """Create a question of an account; return the ids of its completions."""
    slide = register_slide(session, folder="bench", relative_path="bench.svs", quickhash="bench")
    new_question = NewQuestion(
        account_id=account,
        slide_id=slide.id,
        quickhash="bench",
        x=0,
        y=0,
        width=1000,
        height=1000,
        points=None,
        paint_outside=False,
        mpp=0.5,
        question="What is it?",
        options=("benign", "tumour"),
        context={},
        task=None,
        outside_known_types=False,
        prompt="What is it?",
        system=None,
        pixels_sha256=store_blob(session, blobs, _PICTURE, "pixels", "image/png"),
        model="none",
        sampling={"seed": 0},
        count=count,
        min_pixels=1,
        max_pixels=65_536,
        blind=False,
    )
    question = add_question(session, new_question)
    answer = {"text": _TEXT, "token_ids": (), "token_ends": (), "finish": "stop", "answer": "B"}
    times = {"well_formed": True, "seconds": 1.0, "first_token_seconds": 0.5}
    completion_ids = [
        add_completion(session, question.id, NewCompletion(index=index, **answer, **times)).id  # type: ignore[arg-type]
        for index in range(count)
    ]
    end_question(session, question.id, "done")
    return completion_ids


def make_site_feedback(site: Site, number: int) -> dict[str, object]:
    """Return the feedback of a number on the site's completions."""
    return make_feedback(site.completions, number)


def make_feedback(completions: Sequence[str], number: int) -> dict[str, object]:
    """Return the feedback of a number; kinds and completions alternate."""
    kinds: Sequence[dict[str, object]] = (
        {"kind": "verdict", "verdict": "incorrect", "corrected_answer": "A", "confidence": 4},
        {
            "kind": "labels",
            "absences": ["missing_option_elimination"],
            "steps": [{"step": 1, "events": ["contradiction"], "quote": "dark"}],
        },
        {"kind": "edited_trace", "edited_steps": [{"step": 2, "text": None}]},
        {"kind": "evidence", "box": {"x": number % 900, "y": 5, "width": 64, "height": 64}},
    )
    completion = completions[number % len(completions)]
    common = {"key": f"k{number}", "completion": completion, "seconds": 4.5, "comment": "as seen"}
    return common | kinds[number // len(completions) % len(kinds)]


def count_lost(site: Site, acknowledged: Mapping[str, str]) -> int:
    """Return how many acknowledged ids, by key, are missing from the database.

    Raises LoadError if it holds half a transaction or a duplicate submission.
    """
    database = open_database(settings_of(site.data, site.url).database)
    with database.read_only() as session:
        rows = session.execute(select(Feedback.idempotency_key, Feedback.id))
        stored_pairs = {(key, feedback_id) for key, feedback_id in rows}
        queries = _HALVES | (_DAMAGE if session.get_bind().dialect.name == "sqlite" else {})
        wrong = {what: session.execute(query).all() for what, query in queries.items()}
    database.close()
    for fault, faulty_rows in wrong.items():
        if faulty_rows:
            raise LoadError(f"There is {fault}: {faulty_rows[:3]}.")
    return len(set(acknowledged.items()) - stored_pairs)


def count_lost_questions(site: Site, acknowledged: Sequence[str]) -> int:
    """Return how many of these question ids are missing from the database."""
    database = open_database(settings_of(site.data, site.url).database)
    with database.read_only() as session:
        stored_ids = set(session.scalars(select(Question.id)))
    database.close()
    return len(set(acknowledged) - stored_ids)
