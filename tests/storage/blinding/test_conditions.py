"""What a rater does not see before they have said the same themselves."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from storage.blinding.conditions import count_hidden_feedback
from storage.blinding.state import load_question_state
from storage.database import Database
from storage.errors import RecordNotFoundError
from storage.export_rows import Selection, count_selected_questions
from storage.feedback.store import NewFeedback, add_feedback
from storage.questions.store import freeze_first_answer
from storage.statistics.feedback_rows import (
    first_answers,
    judge_labels,
    labels,
    times,
    verdicts,
    votes,
)
from storage.statistics.records import Filters
from storage.tables import JudgeLabels, Question
from tests.storage.reading_rows import as_rater, rater, stored_pair, verdict, viewing


def no_labels(completion_id: str, key: str) -> NewFeedback:
    """An explicit "nothing is wrong"."""
    return NewFeedback(completion_id, "labels", key, absences=[], steps=[])


def test_a_rater_sees_nothing_of_an_item_before_judging_it(database: Database) -> None:
    with database.session() as session:
        completion = stored_pair(session)[0].id
        ada, bob = rater(session), rater(session, "bob")
        add_feedback(session, bob, verdict(completion, "1", seconds=1))
        add_feedback(session, bob, no_labels(completion, "2"))
        session.add(JudgeLabels(completion_id=completion, judge="judge-a", events=[]))
        session.flush()
        kinds = (verdicts, labels, times, judge_labels)
        for rows in kinds:
            assert rows(session, Filters(viewer=viewing(ada))) == [], rows.__name__
            # whoever judges nothing sees it, and so does bob, who judged
            for viewer in (None, bob):
                assert len(rows(session, Filters(viewer=viewing(viewer)))) == 1, rows.__name__
        assert count_selected_questions(session, Selection(viewer=viewing(ada))) == 0
        assert count_selected_questions(session, Selection(viewer=viewing(bob))) == 1
        assert [count_hidden_feedback(session, as_rater(who)) for who in (ada, bob)] == [2, 0]
        # one of the two alone does not open the door, and shows one's own alone
        add_feedback(session, ada, verdict(completion, "3", verdict="unsure"))
        assert [row.rater for row in verdicts(session, Filters(viewer=viewing(ada)))] == [ada]
        assert labels(session, Filters(viewer=viewing(ada))) == []
        add_feedback(session, ada, no_labels(completion, "4"))
        for rows in kinds:
            seen = rows(session, Filters(viewer=viewing(ada)))
            assert len(seen) == len(rows(session)), rows.__name__
        assert count_hidden_feedback(session, as_rater(ada)) == 0


def test_a_vote_is_seen_once_one_has_voted_between_the_same_two(database: Database) -> None:
    with database.session() as session:
        first, second = stored_pair(session)
        ada, bob = rater(session), rater(session, "bob")

        def vote(who: str, one: str, other: str) -> None:
            said = NewFeedback(
                one,
                "preference",
                f"{one}{other}"[:64],
                other_completion_id=other,
                left_completion_id=one,
                choice="tie",
            )
            add_feedback(session, who, said)

        vote(bob, second.id, first.id)
        for completion in (first.id, second.id):  # of the answers alone, not of the two
            add_feedback(session, ada, verdict(completion, completion))
            add_feedback(session, ada, no_labels(completion, f"l{completion}"))
        assert votes(session, Filters(viewer=viewing(ada))) == []
        assert len(votes(session, Filters(viewer=viewing(bob)))) == 1
        assert count_hidden_feedback(session, as_rater(ada)) == 1
        vote(ada, first.id, second.id)
        assert len(votes(session, Filters(viewer=viewing(ada)))) == 2


def test_a_first_answer_is_seen_once_all_of_its_reading_is_judged(database: Database) -> None:
    with database.session() as session:
        pair = stored_pair(session)
        ada, bob = rater(session), rater(session, "bob")
        (reading,) = session.scalars(select(Question))
        session.execute(update(Question).values(account_id=bob))
        freeze_first_answer(session, reading.id, "benign", 4)
        for completion in pair:
            assert first_answers(session, Filters(viewer=viewing(ada))) == []
            add_feedback(session, ada, verdict(completion.id, completion.id))
            none = NewFeedback(
                completion.id, "labels", f"l{completion.index}", absences=[], steps=[]
            )
            add_feedback(session, ada, none)
        for viewer in (ada, bob, None):
            assert len(first_answers(session, Filters(viewer=viewing(viewer)))) == 1


def test_a_withdrawn_question_is_missing(database: Database) -> None:
    with database.read_only() as session, pytest.raises(RecordNotFoundError):
        load_question_state(session, "withdrawn", as_rater("local"))
