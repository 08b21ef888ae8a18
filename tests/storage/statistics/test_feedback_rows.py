"""Rows that figures are made of: what holds now, filtered, read from indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from pathviewer.bench.insights_data import Amount, fill_database
from storage.cases.store import SlideDescription, describe_slide
from storage.database import Database
from storage.feedback.store import NewFeedback, add_feedback
from storage.questions.store import add_completion, add_question, freeze_first_answer
from storage.slides.store import register_slide
from storage.statistics.feedback_rows import (
    first_answers,
    first_answers_query,
    first_assignments_query,
    judge_labels,
    judge_labels_query,
    labels,
    labels_query,
    list_filter_choices,
    times,
    times_query,
    verdicts,
    verdicts_query,
    votes,
    votes_query,
)
from storage.statistics.records import Filters
from storage.statistics.repeat_rows import repeated_votes_query
from storage.tables import (
    CurrentFeedback,
    Feedback,
    JudgeLabels,
    Question,
    Slide,
    WorklistAssignment,
)
from storage.worklists.item_assignment import freeze_assignment_answer, next_assignment
from storage.worklists.records import NewItem, NewWorklist
from storage.worklists.store import add_worklist, freeze_item, list_items
from tests.databases import new_database
from tests.storage.reading_rows import COMPLETION, new_reading, rater, stored_pair, verdict, viewing

QUERIES: dict[str, Callable[[Session], Select[Any]]] = {
    "verdicts": lambda _: verdicts_query(Filters()),
    "labels": lambda _: labels_query(Filters()),
    "votes": lambda _: votes_query(Filters()),
    "first answers": lambda _: first_answers_query(Filters()),
    "first turns": lambda _: first_assignments_query(Filters(viewer=viewing("x"))),
    "verdicts for a rater": lambda _: verdicts_query(Filters(viewer=viewing("x"))),
    "times": lambda _: times_query(Filters()),
    "judge labels": lambda _: judge_labels_query(Filters()),
    "repeated votes": lambda _: repeated_votes_query(Filters()),
}

WANTED = {
    "verdicts": (
        "feedback USING COVERING INDEX ix_feedback_statistics (kind=?)",
        "completions USING COVERING INDEX ix_completions_id_question_id",
    ),
    "labels": (
        "feedback USING INDEX ix_feedback_statistics (kind=?)",
        "completions USING COVERING INDEX ix_completions_id_question_id",
    ),
    "first turns": (
        "feedback USING INDEX ix_feedback_statistics (kind=? AND completion_id=? AND rater_id=?)",
        "completions USING INDEX",
    ),
    "verdicts for a rater": (
        "feedback USING COVERING INDEX ix_feedback_statistics (kind=?)",
        "LIST SUBQUERY",  # put once, and not for each row
    ),
    "votes": ("feedback USING INDEX ix_feedback_statistics (kind=?)",),
    "first answers": (
        "feedback USING INDEX ix_feedback_statistics (kind=? AND completion_id=? AND rater_id=?)",
        "completions USING INDEX",
    ),
    "times": ("feedback USING COVERING INDEX ix_feedback_completion_id_rater_id_seconds",),
    "judge labels": (
        "questions USING COVERING INDEX ix_questions_id_slide_id_model_task",
        "judge_labels USING INDEX",
    ),
    "repeated votes": ("feedback USING INDEX sqlite_autoindex_feedback_1 (id=?)",),
}
"""What of each plan makes it quick."""

FULL_SCANS = ("SCAN feedback", "SCAN completions")
"""What no plan may have: reading the long rows of the large tables one by one."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A few hundred judgments of every kind."""
    folder = tmp_path_factory.mktemp("statistics")
    database = new_database(f"sqlite:///{folder}/x.sqlite3")
    with database.session() as session:
        fill_database(session, Amount(completions=120, feedback=500, slides=12, raters=4))
    yield database
    database.close()


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_answered_from_its_indexes(filled: Database, name: str) -> None:
    with filled.read_only() as session:
        literal = {"literal_binds": True}
        statement = QUERIES[name](session).compile(session.get_bind(), compile_kwargs=literal)
        explained = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
        plan = [row[3] for row in explained]
    whole = "\n".join(plan)
    for step in WANTED[name]:
        assert step in whole, whole
    assert not [step for step in plan if step in FULL_SCANS], whole


def test_what_holds_is_what_nothing_supersedes(filled: Database) -> None:
    with filled.read_only() as session:
        current = select(Feedback.rater_id, Feedback.completion_id, Feedback.verdict).join(
            CurrentFeedback, CurrentFeedback.feedback_id == Feedback.id
        )
        holding = current.where(CurrentFeedback.kind == "verdict")
        wanted = sorted(map(tuple, session.execute(holding)))
        found = verdicts(session)
    assert len(wanted) > 100
    assert sorted((row.rater, row.completion, row.verdict) for row in found) == wanted


def test_a_change_of_mind_counts_once_but_took_its_time(database: Database) -> None:
    with database.session() as session:
        first, second = stored_pair(session)
        ada = rater(session)
        add_feedback(session, ada, verdict(first.id, "1", verdict="unsure", seconds=30))
        add_feedback(session, ada, verdict(first.id, "2", confidence=4, seconds=12.5))
        add_feedback(session, ada, verdict(second.id, "3"))  # told no time
        (slide,) = list_filter_choices(session).slides
        found = {row.completion: (row.verdict, row.confidence) for row in verdicts(session)}
        assert found == {first.id: ("correct", 4), second.id: ("correct", None)}
        assert [tuple(row) for row in times(session)] == [(slide[0], ada, 2, 42.5)]


def test_events_are_those_of_the_trace_and_of_its_steps(database: Database) -> None:
    steps = [{"step": 0, "events": ["contradiction"]}, {"step": 3, "events": ["contradiction"]}]
    with database.session() as session:
        first, second = stored_pair(session)
        ada = rater(session)
        said = NewFeedback(first.id, "labels", "1", absences=["missing_knowledge"], steps=steps)
        add_feedback(session, ada, said)
        none = NewFeedback(second.id, "labels", "2", absences=[], steps=[])
        add_feedback(session, ada, none)
        session.add(JudgeLabels(completion_id=first.id, judge="judge-a", events=["contradiction"]))
        session.flush()
        found = {row.completion: row.events for row in labels(session)}
        (judged,) = judge_labels(session)
    assert found == {first.id: {"missing_knowledge", "contradiction"}, second.id: frozenset()}
    assert (judged.completion, judged.rater, judged.events) == (
        first.id,
        "judge-a",
        frozenset({"contradiction"}),
    )


@pytest.mark.parametrize("left", [0, 1])
def test_a_vote_says_who_stood_where(database: Database, left: int) -> None:
    with database.session() as session:
        slide = register_slide(session, folder="f", relative_path="a", quickhash=None).id
        stored_pair(session)
        sides: list[str] = []
        for model in ("m1", "m2"):
            reading = add_question(session, new_reading(slide, model=model))
            completion = replace(COMPLETION, text="x" * len(sides))
            sides.append(add_completion(session, reading.id, completion).id)
        said = NewFeedback(
            sides[0],
            "preference",
            "1",
            other_completion_id=sides[1],
            left_completion_id=sides[left],
            choice="left",
        )
        add_feedback(session, rater(session), said)
        (vote,) = votes(session)
        assert len(votes(session, Filters(model="m2"))) == 1
        assert votes(session, Filters(model="m3")) == []
    models = ("m1", "m2") if left == 0 else ("m2", "m1")
    assert (vote.left_model, vote.right_model) == models
    assert (vote.left_length, vote.right_length) == ((0, 1) if left == 0 else (1, 0))
    # the same answer of the pair, whichever side it stood on
    assert vote.pair == " ".join(sorted(sides))
    assert vote.preferred == ("first" if sides[left] == min(sides) else "second")


def test_a_first_answer_comes_with_what_was_said_afterwards(database: Database) -> None:
    with database.session() as session:
        first, second = stored_pair(session)
        (reading,) = session.scalars(select(Question))
        freeze_first_answer(session, reading.id, "benign", 4)
        session.execute(update(Question).values(account_id=(ada := rater(session))))
        (before,) = first_answers(session)
        assert (before.first_answer, before.first_confidence, before.verdict) == ("benign", 4, None)
        assert before.answer == COMPLETION.answer
        add_feedback(session, rater(session, "bob"), verdict(first.id, "0"))  # another one's
        add_feedback(session, ada, verdict(first.id, "1", verdict="unsure"))
        wrong = verdict(second.id, "2", verdict="incorrect", corrected_answer="tumour")
        add_feedback(session, ada, wrong)
        slide = session.scalars(select(Slide)).one()
        for source, wanted in ((None, None), ("sign-out", "tumour")):
            told = SlideDescription("S1", reference_answer="tumour", reference_source=source)
            describe_slide(session, slide.id, told)
            (row,) = first_answers(session)
            assert (row.verdict, row.corrected_answer) == ("incorrect", "tumour")
            assert row.reference_answer == wanted  # only with its source


@pytest.mark.parametrize(
    ("filters", "counts"),
    [
        (Filters(), True),
        (Filters(since=datetime(2020, 1, 1, tzinfo=UTC)), True),
        (Filters(until=datetime(2020, 1, 1, tzinfo=UTC)), False),
        (Filters(model="scripted"), True),
        (Filters(model="other"), False),
        (Filters(task=""), True),  # no known question type
        (Filters(task="diagnosis"), False),
        (Filters(organ="lung"), True),
        (Filters(organ=""), False),
        (Filters(slide_id="other"), False),
        (Filters(rater_id="other"), False),
    ],
)
def test_filters_leave_in_what_they_say(database: Database, filters: Filters, counts: bool) -> None:
    with database.session() as session:
        first, second = stored_pair(session)
        ada = rater(session)
        slide = session.scalars(select(Slide)).one()
        describe_slide(session, slide.id, SlideDescription("S1", organ="lung"))
        add_feedback(session, ada, verdict(first.id, "1", seconds=1))
        add_feedback(session, ada, NewFeedback(first.id, "labels", "2", absences=[], steps=[]))
        pair = NewFeedback(
            first.id,
            "preference",
            "3",
            other_completion_id=second.id,
            left_completion_id=first.id,
            choice="tie",
        )
        add_feedback(session, ada, pair)
        session.execute(update(Question).values(account_id=ada))
        (reading,) = session.scalars(select(Question))
        freeze_first_answer(session, reading.id, "benign", None)
        for rows in (verdicts, labels, votes, first_answers, times):
            assert len(rows(session, filters)) == counts, rows.__name__


def listed(session: Session) -> tuple[str, str]:
    """A worklist of one item that ada has begun; its completion, and ada."""
    completion, _ = stored_pair(session)
    slide = session.scalars(select(Slide)).one()
    (reading,) = session.scalars(select(Question))
    items = [NewItem(slide.id, 0, 0, 9, 9, "Q", ["a", "b"], None, None)]
    found = add_worklist(session, NewWorklist("list", "local"), items)
    (item,) = list_items(session, found.id)
    freeze_item(session, item.id, reading.id)
    ada = rater(session)
    assert next_assignment(session, found, ada, datetime(2020, 1, 1, tzinfo=UTC))
    return completion.id, ada


def test_a_first_answer_in_a_worklist_counts_as_one(database: Database) -> None:
    with database.session() as session:
        completion, ada = listed(session)
        turn = session.scalars(select(WorklistAssignment)).one()
        assert first_answers(session) == []
        freeze_assignment_answer(session, turn.id, "a", 2)
        wrong = verdict(completion, "1", verdict="incorrect", corrected_answer="b")
        add_feedback(session, ada, wrong)
        (row,) = first_answers(session)
        assert (row.first_answer, row.first_confidence) == ("a", 2)
        assert (row.verdict, row.corrected_answer) == ("incorrect", "b")
        turn.round = 1  # the item came again
        session.flush()
        assert first_answers(session) == []
        assert first_answers(session, Filters(rater_id="somebody")) == []


def test_choices_are_what_was_asked_and_who_judged(filled: Database) -> None:
    with filled.read_only() as session:
        found = list_filter_choices(session)
    assert found.models == sorted({"pathviewer-r1-tiny", "model-b", "model-c", "model-d"})
    assert found.tasks == ["", "cellularity", "diagnosis", "open_space"]
    assert found.organs == ["", "breast", "colon", "lung"]
    assert len(found.raters) == 4
    assert found.slides[0][1] == "Slide 1"
