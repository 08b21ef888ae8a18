"""Worklists with pairs to be compared by tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations

from sqlalchemy.orm import Session

from storage.comparisons.pair_assignment import find_sides, next_comparison, record_vote
from storage.comparisons.pairs import add_item_question, add_pairs
from storage.comparisons.records import ComparisonRecord, NewPair
from storage.database import Database
from storage.feedback.store import NewFeedback, add_feedback
from storage.questions.store import add_completion, add_question, end_question
from storage.tables import now
from storage.worklists.records import NewItem, NewWorklist, WorklistRecord
from storage.worklists.store import add_worklist, freeze_item, list_items
from tests.storage.reading_rows import COMPLETION, new_reading, stored_slide

LONG_AGO = timedelta(days=14)


def made(
    database: Database, count: int, models: Sequence[str] = ("tiny", "large"), **rules: object
) -> WorklistRecord:
    """A list whose items have an answer of each model, and all pairs of these."""
    with database.session() as session:
        slide = stored_slide(session)
        items = [NewItem(slide, 0, 0, 9, 9, f"Q{n}", [], None, None) for n in range(count)]
        found = add_worklist(session, NewWorklist("list", "local", **rules), items)  # type: ignore[arg-type]
        pairs = []
        for item in list_items(session, found.id):
            answers = [answered(session, slide, model) for model in models]
            freeze_item(session, item.id, answers[0][0])
            for reading, _ in answers[1:]:
                add_item_question(session, item.id, reading)
            both = combinations([completion for _, completion in answers], 2)
            pairs += [NewPair(item.id, *each, "all", 0, 1.0) for each in both]
        add_pairs(session, found.id, pairs)
    return found


def answered(session: Session, slide: str, model: str) -> tuple[str, str]:
    """Ids of a reading and of its completion."""
    reading = add_question(session, new_reading(slide, model=model))
    completion = add_completion(session, reading.id, replace(COMPLETION, text=model))
    end_question(session, reading.id, "done")
    return reading.id, completion.id


def take(
    database: Database, found: WorklistRecord, who: str, at: datetime
) -> ComparisonRecord | None:
    """The next comparison at a moment."""
    with database.session() as session:
        return next_comparison(session, found, who, at - LONG_AGO)


def say(session: Session, one: ComparisonRecord, choice: str, key: str) -> str:
    """Vote; the feedback's id."""
    both = find_sides(session, one)
    assert both is not None
    left, right = both
    told = NewFeedback(
        left, "preference", key, other_completion_id=right, left_completion_id=left, choice=choice
    )
    return add_feedback(session, one.rater_id, told).id


def cast(database: Database, one: ComparisonRecord, choice: str = "left") -> None:
    """Vote and end it."""
    with database.session() as session:
        record_vote(session, one.id, one.rater_id, say(session, one, choice, one.id))


def walk(database: Database, found: WorklistRecord, who: str) -> list[ComparisonRecord]:
    """All that a rater is given, each voted on at once."""
    seen = []
    while one := take(database, found, who, now()):
        seen.append(one)
        cast(database, one)
    return seen
