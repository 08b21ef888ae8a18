"""Synthetic questions and feedback in any number, for measuring statistics."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from models.reward import ABSENCES
from pathviewer.feedback.vocabulary import STEP_EVENTS
from storage.feedback.vocabulary import CHOICES, VERDICTS
from storage.tables import (
    Account,
    Blob,
    Case,
    Completion,
    CurrentFeedback,
    Feedback,
    JudgeLabels,
    Question,
    Slide,
)

MODELS = ("pathviewer-r1-tiny", "model-b", "model-c", "model-d")
TASKS = ("cellularity", "diagnosis", "open_space", None)
ORGANS = ("lung", "colon", "breast")
OPTIONS = ("benign tissue", "adenocarcinoma", "squamous cell carcinoma")
ROWS_AT_ONCE = 2000


@dataclass(frozen=True)
class Amount:
    """Amount of data."""

    completions: int = 20_000
    """Answers, two per question."""
    feedback: int = 60_000
    """Feedback, including superseded entries."""
    slides: int = 400
    """Slides, two per case."""
    raters: int = 12
    """Clinicians."""


def fill_database(session: Session, amount: Amount) -> None:
    """Insert the data, always the same, as if all had been asked and judged."""
    data = SyntheticRows(amount)
    session.execute(insert(Account), data.accounts())
    session.execute(insert(Blob), data.blobs())
    session.execute(insert(Case), data.cases())
    session.execute(insert(Slide), data.slides())
    for table, rows in (
        (Question, data.questions()),
        (Completion, data.completions()),
        (Feedback, data.feedback()),
        (CurrentFeedback, data.current()),
        (JudgeLabels, data.judge_labels()),
    ):
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            session.execute(insert(table), batch)


class SyntheticRows:
    """Consistent rows, drawn from one seed."""

    def __init__(self, amount: Amount) -> None:
        self._amount = amount
        self._random = random.Random(7)
        self._start = datetime(2026, 1, 1, tzinfo=UTC)
        self._raters = [self._id() for _ in range(amount.raters)]
        self._cases = [self._id() for _ in range((amount.slides + 1) // 2)]
        self._slides = [self._id() for _ in range(amount.slides)]
        self._questions = [self._id() for _ in range((amount.completions + 1) // 2)]
        self._completions = [self._id() for _ in range(amount.completions)]
        self._holds: dict[tuple[str, str, str, str], str] = {}

    def accounts(self) -> list[dict[str, Any]]:
        """Return one clinician per rater."""
        return [
            {"id": rater, "name": f"rater{number}", "role": "clinician"}
            for number, rater in enumerate(self._raters)
        ]

    def blobs(self) -> list[dict[str, Any]]:
        """Return the one picture of all questions."""
        values = {"kind": "pixels", "media_type": "image/png", "byte_count": 1}
        return [{"sha256": _sha256("picture"), **values}]

    def cases(self) -> list[dict[str, Any]]:
        """Return cases, every other one with a reference."""
        return [
            {
                "id": case,
                "name": f"case {number}",
                "reference_answer": OPTIONS[number % 3] if number % 2 else None,
                "reference_source": "sign-out" if number % 2 else None,
            }
            for number, case in enumerate(self._cases)
        ]

    def slides(self) -> list[dict[str, Any]]:
        """Return slides, two per case; the last of every four has none."""
        return [
            {
                "id": slide,
                "folder": "made",
                "relative_path": f"{number}.svs",
                "alias": f"Slide {number + 1}",
                "case_id": self._cases[number // 2] if number % 4 < 3 else None,
                "organ": ORGANS[number % 3] if number % 4 < 3 else None,
            }
            for number, slide in enumerate(self._slides)
        ]

    def questions(self) -> Iterator[dict[str, Any]]:
        """Yield questions, a third of them blind first."""
        for number, question in enumerate(self._questions):
            blind = number % 3 == 0
            at = self._at(number)
            yield {
                "id": question,
                "account_id": self._raters[number % len(self._raters)],
                "slide_id": self._slides[number % len(self._slides)],
                **dict.fromkeys(("x", "y"), 0),
                **dict.fromkeys(("width", "height"), 448),
                "paint_outside": False,
                "question": "What is the diagnosis?",
                "options": list(OPTIONS),
                "context": {},
                "task": self._random.choice(TASKS),
                "outside_known_types": False,
                "prompt": "What is the diagnosis? " + "A) B) C) " * 20,
                "pixels_sha256": _sha256("picture"),
                "model": MODELS[number % len(MODELS)],
                "model_revision": "abcdef",
                "model_info": {"versions": {"torch": "2.13.0", "transformers": "5.23.0"}},
                "sampling": {"temperature": 0.7, "seed": number},
                "count": 2,
                "min_pixels": 3136,
                "max_pixels": 65536,
                "blind": blind,
                "state": "done",
                "first_answer": self._random.choice(OPTIONS) if blind else None,
                "first_confidence": self._random.randint(1, 5) if blind else None,
                "first_answer_at": at if blind else None,
                "created_at": at,
                "ended_at": at,
            }

    def completions(self) -> Iterator[dict[str, Any]]:
        """Yield answers of 120 tokens."""
        for number, completion in enumerate(self._completions):
            step = "The nuclei are large, dark and crowded. " * self._random.randint(8, 20)
            answer = self._random.choice(OPTIONS)
            yield {
                "id": completion,
                "question_id": self._questions[number // 2],
                "index": number % 2,
                "text": f"<think>{step}</think><answer>{answer}</answer>",
                "token_ids": list(range(120)),
                "token_ends": list(range(5, 605, 5)),
                "finish": "stop",
                "answer": answer,
                "well_formed": True,
                "seconds": 3.0,
                "first_token_seconds": 0.5,
                "created_at": self._at(number // 2),
            }

    def feedback(self) -> Iterator[dict[str, Any]]:
        """Yield verdicts, labels, preferences and evidence, some superseding earlier ones."""
        kinds = ("verdict", "verdict", "verdict", "labels", "labels", "preference", "evidence")
        for number in range(self._amount.feedback):
            # a small part of the completions has many raters, like an overlap set
            chosen = self._random.random() ** 2 * len(self._completions)
            row = self._feedback_values(self._random.choice(kinds), int(chosen))
            key = (row["rater_id"], row["completion_id"], row["kind"], _other(row))
            former = self._holds.get(key)
            common_values = {
                "id": self._id(),
                "idempotency_key": str(number),
                "supersedes_id": former,
            }
            self._holds[key] = str(common_values["id"])
            at = {"created_at": self._at(number / 6), "seconds": self._random.expovariate(1 / 20)}
            yield _fill_columns(row | common_values | at)

    def current(self) -> Iterator[dict[str, Any]]:
        """Yield the feedback that is current after `feedback`."""
        for (rater, completion, kind, other), feedback in self._holds.items():
            ids = {"rater_id": rater, "completion_id": completion, "feedback_id": feedback}
            yield {**ids, "kind": kind, "other": other}

    def judge_labels(self) -> Iterator[dict[str, Any]]:
        """Yield a judge's labels of every other completion."""
        for completion in self._completions[::2]:
            events = self._events(0.2)
            yield {
                "id": self._id(),
                "completion_id": completion,
                "judge": "made judge",
                "events": [*events[0], *events[1]],
            }

    def _feedback_values(self, kind: str, number: int) -> dict[str, Any]:
        about = {
            "kind": kind,
            "rater_id": self._random.choice(self._raters),
            "completion_id": self._completions[number],
        }
        of_kind: dict[str, Any] = getattr(self, f"_{kind}")(number)
        return about | of_kind

    def _verdict(self, number: int) -> dict[str, Any]:
        weights = (5, 2, 2, 1, 1, 0) if number % 3 else (1, 1, 6, 1, 1, 0)
        verdict = self._random.choices(VERDICTS, weights)[0]
        corrected = self._random.choice(OPTIONS) if verdict == "incorrect" else None
        confidence = self._random.randint(1, 5)
        return {"verdict": verdict, "corrected_answer": corrected, "confidence": confidence}

    def _labels(self, number: int) -> dict[str, Any]:
        absences, events = self._events(0.5 if number % 3 == 0 else 0.1)
        step = {"step": 1, "quote": "crowded", "start": 20, "stop": 27, "step_class": None}
        return {"absences": absences, "steps": [step | {"events": events}] if events else []}

    def _events(self, often: float) -> tuple[list[str], list[str]]:
        """Return a trace's absences and errors."""
        absences = [name for name in ABSENCES if self._random.random() < often]
        return absences, [name for name in STEP_EVENTS if self._random.random() < often]

    def _preference(self, number: int) -> dict[str, Any]:
        """Return a vote against another model's answer or the other one of the question."""
        ids = self._completions
        step = self._random.choice((1, 2, 4, 6))
        pair = sorted((ids[number], ids[(number + step) % len(ids)]))
        choice = self._random.choices(CHOICES, (5, 4, 2, 1))[0]
        return {
            "completion_id": pair[0],
            "other_completion_id": pair[1],
            "left_completion_id": self._random.choice(pair),
            "choice": choice,
            "reasons": ["missed_finding"],
        }

    def _evidence(self, _number: int) -> dict[str, Any]:
        return {"x": 10, "y": 10, "width": 100, "height": 100}

    def _at(self, number: float) -> datetime:
        return self._start + timedelta(minutes=number * 45)

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def _other(row: dict[str, Any]) -> str:
    return str(row.get("other_completion_id") or "")


def _fill_columns(row: dict[str, Any]) -> dict[str, Any]:
    """Add all columns to a row, as bulk inserts need."""
    names = [column.key for column in Feedback.__table__.columns]
    return dict.fromkeys(names) | row


def _sha256(text: str) -> str:
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()
