"""A database with judged readings, as the page would have stored them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from sqlalchemy import insert
from sqlalchemy.orm import Session

from models.prompts import QuestionText, build_prompt
from models.registry import list_models
from storage.accounts.store import add_account
from storage.blobs import BlobStore, store_blob
from storage.cases.store import SlideDescription, describe_slide
from storage.database import Database
from storage.feedback.store import NewFeedback, add_feedback
from storage.questions.records import NewCompletion, NewQuestion
from storage.questions.store import add_completion, add_question
from storage.slides.store import register_slide
from storage.tables import CurrentFeedback, Feedback
from tests.databases import new_database

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

QUESTION = "How cellular is this region?"
OPTIONS = ("low", "moderate", "high")
RIGHT = "<think>Nuclei are dense. The cells are crowded.</think><answer>C</answer>"
WRONG = "<think>Nuclei are few. There is much space.</think><answer>A</answer>"
TEXTS = [f"<think>Region {number}.</think><answer>C</answer>" for number in (0, 1)]
EDITED = "<think>Nuclei are dense and dark. The cells are crowded.</think><answer>C</answer>"
Loads = Callable[..., "DatasetDict"]


@dataclass
class Labels:
    """A state folder with a database, and short ways to fill it."""

    folder: Path
    """The state folder."""
    database: Database
    """Its database."""
    blobs: BlobStore
    """Its pictures."""
    people: dict[str, str] = field(default_factory=dict)
    """Ids of accounts by name."""
    keys: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))
    """For idempotency keys."""

    def rater(self, session: Session, name: str) -> str:
        """The account of that name, made if need be."""
        if name not in self.people:
            self.people[name] = add_account(session, name=name, role="clinician").id
        return self.people[name]

    def reading(
        self, session: Session, slide: str, shade: int, *texts: str, **given: Any
    ) -> tuple[str, ...]:
        """Ids of the completions of a reading of a region in one shade of violet."""
        found = register_slide(session, folder="f", relative_path=slide, quickhash=slide)
        packed = io.BytesIO()
        Image.new("RGB", (84, 84), (shade, 90, 160)).save(packed, "PNG")
        sha256 = store_blob(session, self.blobs, packed.getvalue(), "pixels", "image/png")
        new = asked(found.id, sha256, len(texts), given)
        reading = add_question(session, new)
        return tuple(
            add_completion(session, reading.id, answered(index, text)).id
            for index, text in enumerate(texts)
        )

    def case(self, session: Session, slide: str, name: str, **told: str) -> None:
        """Say to which case a slide belongs."""
        found = register_slide(session, folder="f", relative_path=slide, quickhash=slide)
        describe_slide(session, found.id, SlideDescription(name, **told))

    def say(self, session: Session, who: str, completion: str, kind: str, **told: Any) -> None:
        """Somebody judges."""
        key = str(next(self.keys))
        add_feedback(session, self.rater(session, who), NewFeedback(completion, kind, key, **told))

    def verdict(self, session: Session, who: str, completion: str, verdict: str, **k: Any) -> None:
        """Somebody gives a verdict."""
        self.say(session, who, completion, "verdict", verdict=verdict, **k)

    def prefer(self, session: Session, who: str, left: str, right: str, choice: str) -> None:
        """Somebody compares two."""
        told = {"other_completion_id": right, "left_completion_id": left, "choice": choice}
        self.say(session, who, left, "preference", reasons=["unsafe"], **told)


def new_labels(folder: Path) -> Labels:
    """An empty database; `close` it."""
    database = new_database(f"sqlite:///{folder / 'pathviewer.sqlite3'}")
    return Labels(folder, database, BlobStore(folder / "blobs"))


def asked(slide_id: str, sha256: str, count: int, given: dict[str, Any]) -> NewQuestion:
    """A question about cellularity, as the embedded model is asked."""
    model = list_models()[0]
    prompt = build_prompt(QuestionText(QUESTION, OPTIONS), (), model)
    facts: dict[str, Any] = {
        "account_id": "local",
        "slide_id": slide_id,
        "quickhash": None,
        "x": 10,
        "y": 20,
        "width": 168,
        "height": 168,
        "points": None,
        "paint_outside": False,
        "mpp": 0.5,
        "scale": {"x": 0.25, "y": 0.5, "source": "entered"},
        "question": QUESTION,
        "options": list(OPTIONS),
        "context": {},
        "task": "cellularity",
        "outside_known_types": False,
        "prompt": prompt.text,
        "system": prompt.system,
        "pixels_sha256": sha256,
        "model": model.name,
        "sampling": {"temperature": 0.0, "seed": 0},
        "count": count,
        "min_pixels": 3136,
        "max_pixels": 50176,
        "blind": False,
    }
    return NewQuestion(**(facts | given))


def answered(index: int, text: str) -> NewCompletion:
    """A completion."""
    return NewCompletion(
        index=index,
        text=text,
        token_ids=[1],
        token_ends=[len(text)],
        finish="stop",
        answer=None,
        well_formed=True,
        seconds=1.0,
        first_token_seconds=0.1,
    )


def fill(labels: Labels, *, slides: int = 6) -> None:
    """Slides of two readings each, judged in every way by ada, and now and then by bob."""
    with labels.database.session() as session:
        for number in range(slides):
            right, wrong = labels.reading(session, f"s{number}", 20 * number, RIGHT, WRONG)
            labels.verdict(session, "ada", right, "correct")
            labels.verdict(session, "ada", wrong, "incorrect", corrected_answer="high")
            labels.prefer(session, "ada", right, wrong, "left")
            labels.say(session, "ada", right, "labels", absences=[], steps=[])
            event = {"step": 0, "events": ["not_in_region"], "quote": None}
            labels.say(
                session, "ada", wrong, "labels", absences=["missing_knowledge"], steps=[event]
            )
            labels.say(session, "ada", wrong, "edited_trace", edited_steps=[], edited_text=EDITED)
            if number % 2:
                labels.verdict(session, "bob", right, "correct", comment="As Dr Smith said.")
                labels.prefer(session, "bob", wrong, right, "right")


def judged_at(labels: Labels, *moments: str) -> None:
    """A verdict by ada on an answer of its own at each moment, ISO in UTC, past the writer that
    takes the present one."""
    with labels.database.session() as session:
        rater = labels.rater(session, "ada")
        for number, moment in enumerate(moments):
            (one,) = labels.reading(session, f"m{number}", number, RIGHT)
            told = {"completion_id": one, "rater_id": rater, "kind": "verdict"}
            at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
            said = {"verdict": "correct", "idempotency_key": moment, "created_at": at}
            session.execute(insert(Feedback), [told | said | {"id": f"feedback-{number}"}])
            current = told | {"other": "", "feedback_id": f"feedback-{number}"}
            session.execute(insert(CurrentFeedback), [current])


def judged(labels: Labels) -> None:
    """Two slides of a case, judged by two raters who contradict each other about one answer."""
    with labels.database.session() as session:
        for number, slide in enumerate(("slide-one", "slide-two")):
            told = {"task": "blur", "model": "other"} if number else {}
            (one,) = labels.reading(session, slide, number, TEXTS[number], **told)
            labels.verdict(session, "ada", one, "correct", comment=f"Ask Dr Smith {number}")
            labels.verdict(session, "bob", one, "incorrect" if number else "correct")
        labels.case(session, "slide-one", "S-26-1234")


def text_of(messages: list[dict[str, Any]]) -> str:
    """The text of a chat's last message."""
    return str(messages[-1]["content"][-1]["text"])


def rows(loaded: DatasetDict) -> Dataset:
    """The rows of an export that has one split."""
    assert set(loaded) == {"train"}
    return loaded["train"]
