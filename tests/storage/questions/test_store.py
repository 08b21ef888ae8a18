"""Readings from question to answers, and finding them again."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from sqlalchemy import update

from storage.database import Database
from storage.errors import ConflictError, RecordNotFoundError, StorageError
from storage.questions.records import NewDeletionCheck, QuestionStart
from storage.questions.store import (
    LONGEST_RUN,
    add_completion,
    add_deletion_check,
    add_question,
    end_question,
    fail_interrupted,
    find_completion,
    find_question,
    freeze_first_answer,
    list_completions,
    list_deletion_checks,
    list_questions,
    set_attention,
    set_evidence,
    start_question,
)
from storage.tables import Question
from storage.user_messages import QUESTION_INTERRUPTED
from tests.storage.reading_rows import (
    COMPLETION,
    PIXELS,
    new_reading,
    rater,
    stored_reading,
    stored_slide,
)

STARTED = QuestionStart(336, 224, 12, 8, 180, "abc", {"device": "cpu"})
CHECK = NewDeletionCheck(
    "all", 0.9, 0.4, 0.5, [0.8, 0.7], "used", "It used the picture.", "blur", 2, {"n": 30}
)


def test_a_reading_is_asked_started_answered_and_found_again(database: Database) -> None:
    with database.session() as session:
        asked = new_reading(stored_slide(session), points=[[1.5, 2], [3, 4], [5, 0.1]])
        reading = add_question(session, asked, "0" * 36)
    assert (reading.id, reading.state, reading.columns) == ("0" * 36, "running", None)
    with database.session() as session:
        start_question(session, reading.id, STARTED)
        completion = add_completion(session, reading.id, COMPLETION, "1" * 36)
        end_question(session, reading.id, "done")
    with database.read_only() as session:
        found = find_question(session, reading.id)
        assert {name: getattr(found, name) for name in asdict(asked)} == asdict(asked)
        assert (found.columns, found.model_info, found.state) == (12, {"device": "cpu"}, "done")
        assert found.ended_at is not None
        assert find_completion(session, "1" * 36) == completion
        assert list_completions(session, [reading.id]) == [completion]
        assert list_questions(session, "local") == [found]


def test_lists_are_ones_own_by_slide_and_page_by_page(database: Database) -> None:
    with database.session() as session:
        ids = [stored_reading(session).id for _ in range(5)]
        stored_reading(session, account_id=rater(session))
        # of one moment, so that the ids decide
        session.execute(
            update(Question).values(created_at=find_question(session, ids[0]).created_at)
        )
    with database.read_only() as session:
        every = [reading.id for reading in list_questions(session, "local")]
        assert sorted(every) == sorted(ids)
        slide = find_question(session, ids[0]).slide_id
        first = list_questions(session, "local", slide_id=slide, limit=3)
        rest = list_questions(session, "local", slide_id=slide, before=first[-1].id)
        assert [reading.id for reading in (*first, *rest)] == every
        assert list_questions(session, "local", slide_id="elsewhere") == []


def test_the_first_answer_is_frozen(database: Database) -> None:
    with database.session() as session:
        reading = stored_reading(session, blind=True)
        frozen = freeze_first_answer(session, reading.id, "benign", 4)
        assert (frozen.first_answer, frozen.first_confidence) == ("benign", 4)
        with pytest.raises(ConflictError, match="cannot be changed"):
            freeze_first_answer(session, reading.id, "tumour", None)
    with database.read_only() as session:
        assert find_question(session, reading.id) == frozen


def test_an_index_is_answered_once(database: Database) -> None:
    with database.session() as session:
        reading = stored_reading(session)
        kept = add_completion(session, reading.id, COMPLETION)
        with pytest.raises(ConflictError, match="Completion 0"):
            add_completion(session, reading.id, replace(COMPLETION, text="else"))
        assert list_completions(session, [reading.id]) == [kept]


def test_what_a_killed_program_left_running_has_failed(database: Database) -> None:
    with database.session() as session:
        going, done = stored_reading(session), stored_reading(session)
        others, left = (stored_reading(session, writer="another") for _ in range(2))
        end_question(session, done.id, "done")
        row = session.get_one(Question, left.id)
        row.created_at -= 2 * LONGEST_RUN  # whoever wrote it has not come back
    with database.session() as session:
        assert fail_interrupted(session, "this one") == 2
    with database.read_only() as session:
        failed = find_question(session, going.id)
        assert (failed.state, failed.failure) == ("failed", QUESTION_INTERRUPTED)
        assert find_question(session, left.id).state == "failed"
        assert find_question(session, done.id).state == "done"
        assert find_question(session, others.id).state == "running"


def test_attention_and_evidence_are_added_later_and_forgotten(database: Database) -> None:
    with database.session() as session:
        completion = add_completion(session, stored_reading(session).id, COMPLETION)
        for sha256 in (PIXELS, None):
            set_attention(session, completion.id, sha256)
            assert find_completion(session, completion.id).attention_sha256 == sha256
            set_evidence(session, completion.id, sha256)
            assert find_completion(session, completion.id).evidence_sha256 == sha256


def test_checks_are_kept_with_their_completion(database: Database) -> None:
    with database.session() as session:
        completion = add_completion(session, stored_reading(session).id, COMPLETION)
        checks = [add_deletion_check(session, completion.id, "local", CHECK) for _ in range(2)]
    with database.read_only() as session:
        assert list_deletion_checks(session, [completion.id]) == checks
        assert list_deletion_checks(session, []) == []
        assert checks[0].random_masked == [0.8, 0.7]
        assert (checks[0].fill, checks[0].version, checks[0].controls) == ("blur", 2, {"n": 30})


def test_what_is_unknown_is_named(database: Database) -> None:
    with database.session() as session:
        for look in (find_question, find_completion):
            with pytest.raises(RecordNotFoundError, match="nowhere"):
                look(session, "nowhere")
        with pytest.raises(RecordNotFoundError, match="nowhere"):
            add_completion(session, "nowhere", COMPLETION)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"mpp": -0.5},  # unknown is NULL, not a number that stands for it
        {"count": 0},
        {"min_pixels": 9, "max_pixels": 8},
        {"pixels_sha256": "b" * 64},  # a picture that is not kept
        {"slide_id": "nowhere"},
        {"account_id": "visitor"},
    ],
)
def test_questions_that_break_a_rule_are_refused(database: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(StorageError, match="rules"), database.session() as session:
        add_question(session, new_reading(**({"slide_id": stored_slide(session)} | wrong)))


@pytest.mark.parametrize(
    ("state", "failure"),
    [
        ("failed", None),  # without a sentence
        ("done", "It went wrong."),
        ("running", None),  # with a time of its end
        ("lost", None),
    ],
)
def test_ends_that_break_a_rule_are_refused(
    database: Database, state: str, failure: str | None
) -> None:
    with pytest.raises(StorageError, match="rules"), database.session() as session:
        end_question(session, stored_reading(session).id, state, failure)
