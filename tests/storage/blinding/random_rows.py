"""A small database of random rows, also of such as no sequence of requests would leave."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from sqlalchemy.orm import Session

from storage.base import new_id
from storage.feedback.vocabulary import UNDONE
from storage.tables import (
    Case,
    Comparison,
    Completion,
    CurrentFeedback,
    Feedback,
    Question,
    Slide,
    Worklist,
    WorklistAssignment,
    WorklistItem,
    WorklistPair,
    WorklistQuestion,
)
from tests.storage.reading_rows import COMPLETION, new_reading, rater, stored_slide

START = datetime(2026, 1, 1, tzinfo=UTC)


class RandomRows:
    """Adds random rows to a session; the accounts' ids are `raters`."""

    def __init__(self, session: Session, seed: int) -> None:
        self._session = session
        self._random = Random(seed)
        self._slide = stored_slide(session)
        case = Case(name="C-1", reference_answer="A", reference_source="sign-out")
        self._add(case)
        session.get_one(Slide, self._slide).case_id = case.id
        self.raters = [rater(session, name) for name in ("ada", "bob")]
        for _ in range(2):
            self._add_question()
        for number in range(2):
            self._add_list(f"list {number}")
        session.flush()

    def _flip(self, chance: float = 0.5) -> bool:
        return self._random.random() < chance

    def _time(self) -> datetime:
        return START + timedelta(minutes=self._random.randrange(100))

    def _add(self, row: object) -> None:
        self._session.add(row)
        self._session.flush()

    def _add_question(self, completions: int | None = None) -> tuple[str, list[str]]:
        account = self._random.choice([*self.raters, "local"])
        blind, has_answered = self._flip(0.3), self._flip()
        state = self._random.choice(["done", "running"])
        values = asdict(new_reading(self._slide, account_id=account, blind=blind))
        question = Question(**values, id=new_id(), state=state)
        question.ended_at = self._time() if state == "done" else None
        if has_answered:
            question.first_answer, question.first_answer_at = "A", self._time()
        self._add(question)
        ids = []
        for index in range(self._random.randrange(3) if completions is None else completions):
            ids.append(new_id())
            made = asdict(replace(COMPLETION, index=index))
            self._add(Completion(**made, id=ids[-1], question_id=question.id))
        for completion_id in ids:
            self._judge(completion_id)
        return question.id, ids

    def _judge(self, completion_id: str) -> None:
        for who in self.raters:
            for kind in ("verdict", "labels", "evidence"):
                if self._flip():
                    self._add_feedback(who, completion_id, kind)

    def _add_feedback(
        self, who: str, completion_id: str, kind: str, other: str | None = None
    ) -> str:
        """Add feedback that replaces nothing; the id."""
        choice = None
        if other is not None:
            completion_id, other = sorted((completion_id, other))
            choice = self._random.choice(["left", "tie", UNDONE])
        row = Feedback(
            id=new_id(),
            rater_id=who,
            completion_id=completion_id,
            kind=kind,
            idempotency_key=new_id(),
            created_at=self._time(),
            verdict="correct" if kind == "verdict" else None,
            absences=[] if kind == "labels" else None,
            steps=[] if kind == "labels" else None,
            other_completion_id=other,
            left_completion_id=other,
            choice=choice,
        )
        self._add(row)
        slot = {"rater_id": who, "completion_id": completion_id, "kind": kind}
        self._add(CurrentFeedback(**slot, other=other or "", feedback_id=row.id))
        return row.id

    def _add_list(self, name: str) -> None:
        worklist = Worklist(
            id=new_id(),
            name=name,
            blind=self._flip(),
            teaching=self._flip(),
            overlap=1.0,
            repeats=0.5,
            account_id="local",
        )
        self._add(worklist)
        for position in range(2):
            self._add_item(worklist.id, position)

    def _add_item(self, worklist_id: str, position: int) -> None:
        question, ids = self._add_question(2)
        is_frozen = self._flip(0.9)
        item = WorklistItem(
            id=new_id(),
            worklist_id=worklist_id,
            position=position,
            slide_id=self._slide,
            **dict.fromkeys(("x", "y"), 0),
            **dict.fromkeys(("width", "height"), 9),
            question="Q",
            options=[],
            reference_answer="A",
            question_id=question if is_frozen else None,
        )
        self._add(item)
        if is_frozen and self._flip():
            beside, more = self._add_question(1)
            self._add(WorklistQuestion(question_id=beside, item_id=item.id))
            ids += more
        for who in self.raters:
            self._assign(item.id, who)
        for one, other in pairwise(ids):
            if is_frozen and self._flip():
                self._add_pair(item.id, *sorted((one, other)))

    def _assign(self, item_id: str, who: str) -> None:
        for number in range(self._random.randrange(3)):
            ended = (number == 0 and self._flip(0.8)) or self._flip()
            answered = self._flip()
            self._add(
                WorklistAssignment(
                    item_id=item_id,
                    rater_id=who,
                    round=number,
                    started_at=self._time(),
                    ended_at=self._time() if ended else None,
                    skipped=ended and self._flip(0.2),
                    first_answer="A" if answered else None,
                    first_answer_at=self._time() if answered else None,
                )
            )

    def _add_pair(self, item_id: str, one: str, other: str) -> None:
        pair = WorklistPair(
            id=new_id(),
            item_id=item_id,
            one_completion_id=one,
            other_completion_id=other,
            plan="all",
            seed=0,
            probability=1.0,
        )
        self._add(pair)
        for who in self.raters:
            vote = self._add_feedback(who, one, "preference", other) if self._flip() else None
            for number in range(self._random.randrange(3)):
                ended, skipped = self._flip(), self._flip(0.2)
                self._add(
                    Comparison(
                        rater_id=who,
                        pair_id=pair.id,
                        round=number,
                        started_at=self._time(),
                        ended_at=self._time() if ended else None,
                        skipped=ended and skipped,
                        feedback_id=vote if ended and not skipped and self._flip() else None,
                    )
                )
