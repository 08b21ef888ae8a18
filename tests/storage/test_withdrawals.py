"""What is taken back is gone, everything else stays, and nothing goes without a tombstone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from storage.blinding.state import load_question_state
from storage.cases.store import SlideDescription, describe_slide
from storage.database import Database
from storage.errors import StorageError
from storage.exports.store import DatasetVersion, add_exported_completions
from storage.feedback.store import NewFeedback, add_feedback
from storage.questions.records import NewDeletionCheck
from storage.questions.store import (
    add_completion,
    add_deletion_check,
    add_question,
    end_question,
    find_question,
    freeze_first_answer,
    set_attention,
    set_evidence,
)
from storage.slides.store import register_slide
from storage.tables import (
    Base,
    Blob,
    Case,
    Completion,
    DeletionCheck,
    ExportedCompletion,
    Feedback,
    JudgeLabels,
    Question,
    Slide,
    Withdrawal,
)
from storage.withdrawals import (
    list_removed_blobs,
    list_withdrawals,
    withdraw_case,
    withdraw_expired,
    withdraw_rater,
    withdraw_unrated,
)
from tests.storage.reading_rows import COMPLETION, as_rater, new_reading, rater, verdict

CHECK = NewDeletionCheck(
    "all", 0.9, 0.4, 0.5, [], "neither", "It used no picture.", "blur", 2, None
)


@dataclass(frozen=True)
class Ward:
    """Two cases of a slide each; ada asked about both, both were judged by ada and by bob."""

    cases: tuple[str, ...]
    readings: tuple[str, ...]
    completions: tuple[str, ...]
    ada: str
    bob: str


@pytest.fixture
def ward(database: Database) -> Ward:
    return filled(database)


def filled(database: Database) -> Ward:
    with database.session() as session:
        ada, bob = rater(session, "ada"), rater(session, "bob")
        cases, readings, completions = [], [], []
        for number, name in enumerate(("S-1", "S-2")):
            for kind, letter in (("pixels", "ab"), ("attention", "cd"), ("evidence", "ef")):
                sha256 = letter[number] * 64
                session.add(Blob(sha256=sha256, kind=kind, media_type="x", byte_count=1))
            slide = register_slide(session, folder="f", relative_path=name, quickhash=name)
            describe_slide(session, slide.id, SlideDescription(name, "lung"))
            case = session.get_one(Slide, slide.id).case_id
            assert case is not None
            cases.append(case)
            new = new_reading(slide.id, account_id=ada, pixels_sha256="ab"[number] * 64, blind=True)
            reading = add_question(session, new)
            freeze_first_answer(session, reading.id, "tumour", 3)
            completion = add_completion(session, reading.id, COMPLETION)
            set_attention(session, completion.id, "cd"[number] * 64)
            set_evidence(session, completion.id, "ef"[number] * 64)
            add_deletion_check(session, completion.id, ada, CHECK)
            for who in (ada, bob):
                for key in ("1", "2"):  # the second takes the first one's place
                    said = verdict(completion.id, f"{number}{key}", comment=f"SECRET{name}")
                    add_feedback(session, who, said)
            readings.append(reading.id)
            completions.append(completion.id)
    return Ward(tuple(cases), tuple(readings), tuple(completions), ada, bob)


def count(database: Database, table: type[Base]) -> int:
    with database.read_only() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_case_is_taken_back(database: Database, ward: Ward) -> None:
    with database.session() as session:
        made = withdraw_case(session, ward.cases[0], "local")
        assert list_removed_blobs(session) == ["a" * 64, "c" * 64, "e" * 64]
    assert made.detail["feedback"] == 4
    assert made.detail["question_ids"] == [ward.readings[0]]
    for table, left in ((Feedback, 4), (Completion, 1), (Question, 1), (DeletionCheck, 1)):
        assert count(database, table) == left, table
    with database.read_only() as session:
        assert list_withdrawals(session) == [made]
        assert session.get_one(Case, ward.cases[0]).name.startswith("withdrawn")
        organs = session.scalars(select(Slide.organ).order_by(Slide.relative_path))
        assert list(organs) == [None, "lung"]
        assert find_question(session, ward.readings[1]).first_answer == "tumour"


def test_evidence_that_another_case_needs_stays(database: Database, ward: Ward) -> None:
    with database.session() as session:
        set_evidence(session, ward.completions[1], "e" * 64)
        withdraw_case(session, ward.cases[0], "local")
        assert list_removed_blobs(session) == ["a" * 64, "c" * 64]


def test_what_a_judge_found_goes_with_the_completion(database: Database, ward: Ward) -> None:
    with database.session() as session:
        for completion in ward.completions:
            session.add(JudgeLabels(completion_id=completion, judge="judge-a", events=[]))
    with database.session() as session:
        withdraw_case(session, ward.cases[0], "local")
    with database.read_only() as session:
        left = set(session.scalars(select(JudgeLabels.completion_id)))
        assert left == set(session.scalars(select(Completion.id)))
        assert 0 < len(left) < len(ward.completions)


def exported(database: Database, letter: str, *completions: str) -> str:
    """The SHA-256 of a version with these completions."""
    with database.session() as session:
        version = DatasetVersion(letter * 64, "sft", None)
        add_exported_completions(session, version, completions)
    return letter * 64


def test_the_tombstone_of_a_case_names_the_exports_with_its_completions(
    database: Database, ward: Ward
) -> None:
    first, second = ward.completions
    both = exported(database, "2", first, second)
    alone = exported(database, "1", first)
    exported(database, "3", second)
    with database.session() as session:
        made = withdraw_case(session, ward.cases[0], "local")
    assert made.detail["datasets"] == [alone, both]
    with database.read_only() as session:
        left = set(session.scalars(select(ExportedCompletion.completion_id)))
    assert left == {second}


def test_the_tombstone_of_a_rater_names_the_exports_after_their_feedback(
    database: Database, ward: Ward
) -> None:
    with database.session() as session:
        slide = _slide(session)
        bobs = add_question(session, new_reading(slide, account_id=ward.bob))
        unrated = add_completion(session, bobs.id, COMPLETION)
    exported(database, "1", unrated.id)
    early = exported(database, "2", ward.completions[1])
    with database.session() as session:
        carl = rater(session, "carl")
        add_feedback(session, carl, verdict(ward.completions[1], "carl"))
    late = exported(database, "3", ward.completions[1])
    with database.session() as session:
        of_ada = withdraw_rater(session, ward.ada, "local")
        of_carl = withdraw_rater(session, carl, "local")
    assert (of_ada.detail["datasets"], of_carl.detail["datasets"]) == ([early, late], [late])
    assert count(database, ExportedCompletion) == 3  # as do the completions


def test_a_rater_is_taken_back(database: Database, ward: Ward) -> None:
    with database.session() as session:
        alone = add_question(session, new_reading(_slide(session), account_id=ward.ada))
        add_completion(session, alone.id, COMPLETION)
        withdraw_rater(session, ward.ada, "local")
    with database.read_only() as session:
        assert set(session.scalars(select(Feedback.rater_id))) == {ward.bob}
        # what bob judged stays, without ada's own answer; what nobody else judged goes
        assert set(session.scalars(select(Question.id))) == set(ward.readings)
        assert {*session.scalars(select(Question.first_answer))} == {None}
        for reading in ward.readings:  # and does not wait for it
            assert not load_question_state(session, reading, as_rater(ward.bob)).state.awaits_author
        assert list_removed_blobs(session) == []  # the picture is another reading's too


def test_old_questions_go_unless_somebody_said_something(database: Database, ward: Ward) -> None:
    with database.session() as session:
        slide = _slide(session)
        old = [add_question(session, new_reading(slide, account_id=ward.ada)) for _ in range(4)]
        bobs = add_question(session, new_reading(slide, account_id=ward.bob))
        young = add_question(session, new_reading(slide, account_id=ward.ada))
        for each in (*old, bobs, young):
            answer = add_completion(session, each.id, COMPLETION)
            add_deletion_check(session, answer.id, ward.ada, CHECK)
            if each is not old[3]:  # which is being answered
                end_question(session, each.id, "done")
        freeze_first_answer(session, old[2].id, "tumour", 3)
        before = datetime.now(UTC) - timedelta(days=30)
        long_ago = before - timedelta(seconds=1)
        kept = Question.id != young.id
        session.execute(update(Question).where(kept).values(created_at=long_ago))
    with database.session() as session:
        made = withdraw_expired(session, before, "local")
        assert sorted((each.subject_id, each.detail["questions"]) for each in made) == sorted(
            [(ward.ada, 2), (ward.bob, 1)]
        )
        assert {each.kind for each in made} == {"unjudged"}
    with database.session() as session:
        assert withdraw_expired(session, before, "local") == []
        left = set(session.scalars(select(Question.id)))
        assert left == {*ward.readings, old[2].id, old[3].id, young.id}
        assert session.scalar(select(func.count()).select_from(Feedback)) == 8


def test_what_was_judged_stays_for_good_when_the_rest_is_taken_back(
    database: Database, ward: Ward
) -> None:
    """The tombstone of what nobody judged opens the way to nothing that was said, nor of what."""
    with database.session() as session:
        alone = add_question(session, new_reading(_slide(session), account_id=ward.ada))
        answer = add_completion(session, alone.id, COMPLETION)
        add_deletion_check(session, answer.id, ward.ada, CHECK)
    with database.session() as session:
        made = withdraw_unrated(session, ward.ada, "local")
    assert (made.kind, made.detail["question_ids"]) == ("unjudged", [alone.id])
    with database.session() as session:
        session.execute(text("DELETE FROM current_feedback"))
    for table, left in ((DeletionCheck, 2), (Feedback, 8), (Completion, 2)):
        assert count(database, table) == left
        with pytest.raises(StorageError, match="rules"), database.session() as session:
            session.execute(delete(table))
        assert count(database, table) == left


def _slide(session: Session) -> str:
    found = session.scalar(select(Slide.id).order_by(Slide.relative_path))
    return str(found)


@pytest.mark.parametrize("table", ["feedback", "completions", "deletion_checks"])
def test_nothing_goes_without_its_tombstone(database: Database, ward: Ward, table: str) -> None:
    """Neither before a withdrawal, nor of another case or rater, nor what came after it."""
    before = datetime.now(UTC) - timedelta(hours=1)
    tombstones = (
        Withdrawal(kind="case", subject_id=ward.cases[0], account_id="local", detail={}, at=before),
        Withdrawal(kind="case", subject_id="another", account_id="local", detail={}),
        Withdrawal(kind="rater", subject_id="another", account_id="local", detail={}),
        # the right id under the wrong word
        Withdrawal(kind="rater", subject_id=ward.cases[0], account_id="local", detail={}),
    )
    with database.session() as session:
        session.add_all(tombstones)
    with database.session() as session:
        session.execute(text("DELETE FROM current_feedback"))
    with pytest.raises(StorageError), database.session() as session:
        session.execute(delete(Base.metadata.tables[table]))
    assert count(database, Withdrawal) == 4


@pytest.mark.parametrize("statement", ["DELETE FROM withdrawals", "UPDATE withdrawals SET at = 0"])
def test_a_tombstone_stays(database: Database, ward: Ward, statement: str) -> None:
    with database.session() as session:
        withdraw_case(session, ward.cases[0], "local")
    with pytest.raises(StorageError), database.session() as session:
        session.execute(text(statement))


def test_a_pair_with_a_case_that_is_taken_back_goes(database: Database, ward: Ward) -> None:
    first, second = sorted(ward.completions)
    pair = NewFeedback(first, "preference", "pair", choice="left", left_completion_id=first)
    with database.session() as session:
        add_feedback(session, ward.bob, replace(pair, other_completion_id=second))
        made = withdraw_case(session, ward.cases[1], "local")
    assert made.detail["feedback"] == 5
    assert count(database, Feedback) == 4


def test_nothing_of_it_is_left_in_the_file(sqlite_url: str, sqlite_database: Database) -> None:
    path = Path(str(make_url(sqlite_url).database))
    ward = filled(sqlite_database)
    with sqlite_database.session() as session:
        withdraw_case(session, ward.cases[0], "local")
    sqlite_database.checkpoint()
    kept = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert b"SECRETS-2" in kept
    assert b"SECRETS-1" not in kept
