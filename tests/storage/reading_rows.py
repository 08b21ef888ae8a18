"""Readings and feedback to be stored by tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from storage.accounts.store import add_account
from storage.blinding.policy import Viewer
from storage.feedback.store import NewFeedback
from storage.questions.records import CompletionRecord, NewCompletion, NewQuestion, QuestionRecord
from storage.questions.store import add_completion, add_question
from storage.slides.store import register_slide
from storage.tables import LOCAL_ACCOUNT_ID, Blob

PIXELS = "a" * 64

COMPLETION = NewCompletion(
    index=0,
    text="<think>Glands.</think><answer>A</answer>",
    token_ids=[5, 6, 7],
    token_ends=[7, 14, 40],
    finish="stop",
    answer="A",
    well_formed=True,
    seconds=1.5,
    first_token_seconds=0.4,
    token_logprobs=[-0.5, -0.0625, -3.25],
)


def new_reading(slide_id: str, **given: Any) -> NewQuestion:
    """A question about a corner of a slide."""
    reading = NewQuestion(
        account_id=LOCAL_ACCOUNT_ID,
        slide_id=slide_id,
        quickhash="q",
        x=10,
        y=20,
        width=300,
        height=200,
        points=None,
        paint_outside=False,
        mpp=0.5,
        question="What is it?",
        options=["benign", "tumour"],
        context={"organ": "lung"},
        task=None,
        outside_known_types=False,
        prompt="What is it? A) benign B) tumour",
        system=None,
        pixels_sha256=PIXELS,
        model="scripted",
        sampling={"temperature": 0.0, "seed": 3},
        count=2,
        min_pixels=3136,
        max_pixels=65536,
        blind=False,
    )
    return replace(reading, **given)


def stored_slide(session: Session) -> str:
    """A slide, and the row of a picture of it."""
    if session.get(Blob, PIXELS) is None:
        session.add(Blob(sha256=PIXELS, kind="pixels", media_type="image/png", byte_count=9))
    return register_slide(session, folder="f", relative_path="a.svs", quickhash="q").id


def stored_reading(session: Session, **given: Any) -> QuestionRecord:
    """A reading of that slide."""
    return add_question(session, new_reading(stored_slide(session), **given))


def stored_pair(session: Session) -> tuple[CompletionRecord, CompletionRecord]:
    """Two completions of one reading, in the order of their ids."""
    reading = stored_reading(session)
    both = [add_completion(session, reading.id, replace(COMPLETION, index=n)) for n in (0, 1)]
    first, second = sorted(both, key=lambda completion: completion.id)
    return first, second


def rater(session: Session, name: str = "ada") -> str:
    """A clinician's account."""
    return add_account(session, name=name, role="clinician").id


def verdict(completion_id: str, key: str = "k1", **given: Any) -> NewFeedback:
    """A verdict; `correct` if nothing else is said."""
    return NewFeedback(completion_id, "verdict", key, **({"verdict": "correct"} | given))


def as_rater(account_id: str) -> Viewer:
    """A researcher who rates."""
    return Viewer(account_id, rates=True, sees_all=True)


def viewing(account_id: str | None) -> Viewer | None:
    """The same; None for a viewer who sees all."""
    return None if account_id is None else as_rater(account_id)
