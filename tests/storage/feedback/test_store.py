"""Feedback is appended once, supersedes what was said before, and keeps to its kind's rules."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from storage.database import Database
from storage.errors import ConflictError, StorageError
from storage.feedback.store import (
    NewFeedback,
    add_feedback,
    find_feedback_by_key,
    list_current_feedback,
    list_feedback_history,
)
from storage.tables import CurrentFeedback, Feedback
from tests.storage.reading_rows import rater, stored_pair, verdict

STEP = {"step": 0, "events": ["contradiction"], "quote": "Gl", "start": 7, "stop": 9}
KINDS: dict[str, dict[str, Any]] = {
    "verdict": {"verdict": "incorrect", "corrected_answer": "B", "confidence": 4, "comment": "<b>"},
    "labels": {"absences": [], "steps": [STEP], "seconds": 3.5, "overlay_seen": False},
    "edited_trace": {"edited_steps": [{"step": 0, "text": None}], "edited_text": "<think></think>"},
    "evidence": {"x": 1, "y": 2, "width": 3, "height": 4, "points": [[1.5, 2], [3, 4], [5, 6]]},
}


@pytest.fixture
def pair(database: Database) -> tuple[str, str]:
    """Two completions of one reading."""
    with database.session() as session:
        first, second = stored_pair(session)
    return first.id, second.id


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_back_as_it_was_said(
    database: Database, pair: tuple[str, str], kind: str
) -> None:
    said = NewFeedback(pair[0], kind, "k", **KINDS[kind])
    with database.session() as session:
        ada = rater(session)
        saved = add_feedback(session, ada, said)
    assert {name: getattr(saved, name) for name in vars(said)} == vars(said)
    with database.read_only() as session:
        assert list_current_feedback(session, [pair[0]], ada) == [saved]
        assert find_feedback_by_key(session, ada, "k") == saved


def test_an_evidence_region_is_taken_back(database: Database, pair: tuple[str, str]) -> None:
    with database.session() as session:
        ada = rater(session)
        drawn = add_feedback(
            session, ada, NewFeedback(pair[0], "evidence", "1", **KINDS["evidence"])
        )
        back = add_feedback(session, ada, NewFeedback(pair[0], "evidence", "2"))
        assert (back.supersedes_id, back.x) == (drawn.id, None)
        assert list_current_feedback(session, [pair[0]], ada) == [back]


def test_a_change_supersedes_and_the_history_stays(
    database: Database, pair: tuple[str, str]
) -> None:
    with database.session() as session:
        ada, bob = rater(session), rater(session, "bob")
        first = add_feedback(session, ada, verdict(pair[0]))
        other = add_feedback(session, bob, verdict(pair[0]))
        second = add_feedback(session, ada, verdict(pair[0], "k2", verdict="unsure"))
    assert (first.supersedes_id, second.supersedes_id) == (None, first.id)
    with database.read_only() as session:
        assert list_feedback_history(session, [pair[0]], ada) == [first, second]
        assert list_current_feedback(session, [pair[0]]) == [other, second]
        assert list_current_feedback(session, [pair[1]]) == []


def test_the_same_submission_twice_is_stored_once(
    database: Database, pair: tuple[str, str]
) -> None:
    with database.session() as session:
        ada, bob = rater(session), rater(session, "bob")
        said = NewFeedback(pair[0], "labels", "k", **KINDS["labels"])
        first = add_feedback(session, ada, said)
        assert add_feedback(session, ada, said) == first
        assert add_feedback(session, bob, said).id != first.id
        with pytest.raises(ConflictError, match="new key"):
            add_feedback(session, ada, verdict(pair[0], "k"))
    with database.read_only() as session:
        assert list_feedback_history(session, [pair[0]], ada) == [first]


def vote(key: str, one: str, other: str, left: str) -> NewFeedback:
    """The completion that stood on the left is preferred."""
    return NewFeedback(
        one,
        "preference",
        key,
        other_completion_id=other,
        left_completion_id=left,
        choice="left",
    )


def test_a_pair_is_one_pair_whichever_is_named_first(
    database: Database, pair: tuple[str, str]
) -> None:
    first, second = pair
    with database.session() as session:
        ada = rater(session)
        was = add_feedback(session, ada, vote("1", first, second, left=second))
        again = vote("2", second, first, left=second)
        now = add_feedback(session, ada, again)
        assert add_feedback(session, ada, again) == now
    assert (now.completion_id, now.other_completion_id) == (first, second)
    assert now.supersedes_id == was.id
    with database.read_only() as session:
        assert list_current_feedback(session, [second], ada) == [now]


def test_many_writers_leave_one_line_of_history(database: Database, pair: tuple[str, str]) -> None:
    with database.session() as session:
        ada = rater(session)

    def say(number: int) -> None:
        with database.session() as session:
            add_feedback(session, ada, verdict(pair[0], f"k{number % 10}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(say, range(20)))
    with database.read_only() as session:
        rows = list_feedback_history(session, [pair[0]])
        (now,) = list_current_feedback(session, [pair[0]])
        assert session.scalar(select(func.count()).select_from(CurrentFeedback)) == 1
    assert len(rows) == 10
    superseded = {row.supersedes_id for row in rows}
    assert {row.id for row in rows} - superseded == {now.id}
    assert len(superseded) == 10


ODD: list[tuple[str, dict[str, Any]]] = [
    ("verdict", {}),  # says nothing
    ("verdict", {"verdict": "fine"}),
    ("verdict", {"verdict": "correct", "confidence": 6}),
    ("verdict", {"verdict": "correct", "comment": "x" * 4001}),
    ("verdict", {"verdict": "correct", "seconds": -1}),
    ("verdict", {"verdict": "correct", "idempotency_key": ""}),
    ("verdict", {"verdict": "correct", "absences": []}),  # what belongs to labels
    ("verdict", {"verdict": "correct", "x": 1}),
    ("verdict", {"verdict": "correct", "points": []}),
    ("verdict", {"verdict": "correct", "reasons": []}),
    ("labels", {"absences": []}),  # without steps
    ("labels", {"absences": [], "steps": [], "confidence": 1}),
    ("labels", {"absences": [], "steps": [], "corrected_answer": "B"}),
    ("edited_trace", {"edited_steps": []}),  # without the text that they make
    ("evidence", {"x": 0, "y": 0, "width": 0, "height": 5}),
    ("evidence", {"x": 0, "y": 0, "width": 5}),
    ("evidence", {"height": 5}),
    ("evidence", {"points": [[1, 2], [3, 4], [5, 6]]}),  # an outline without its box
    ("preference", {"choice": "left"}),  # over nothing
    ("opinion", {}),
    ("verdict", {"verdict": "correct", "completion_id": "nowhere"}),
]


@pytest.mark.parametrize(("kind", "given"), ODD)
def test_feedback_that_breaks_a_rule_is_refused(
    database: Database, pair: tuple[str, str], kind: str, given: dict[str, Any]
) -> None:
    said = NewFeedback(**{"completion_id": pair[0], "kind": kind, "idempotency_key": "k"} | given)
    with pytest.raises(StorageError, match="rules"), database.session() as session:
        add_feedback(session, rater(session), said)
    with database.read_only() as session:
        assert session.scalar(select(func.count()).select_from(Feedback)) == 0


@pytest.mark.parametrize(
    "given",
    [
        {"other": 0},  # with itself
        {"choice": "middle"},
        {"left": "nowhere"},
    ],
)
def test_a_pair_that_breaks_a_rule_is_refused(
    database: Database, pair: tuple[str, str], given: dict[str, Any]
) -> None:
    said = NewFeedback(
        pair[0],
        "preference",
        "k",
        other_completion_id=pair[given.get("other", 1)],
        left_completion_id=given.get("left", pair[0]),
        choice=given.get("choice", "tie"),
    )
    with pytest.raises(StorageError, match="rules"), database.session() as session:
        add_feedback(session, rater(session), said)
