"""Whose turn it is to compare a pair: orders, sides, overlap, repeats, votes that are undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from storage.blinding.state import load_question_state
from storage.cases.store import SlideDescription, describe_slide, find_case
from storage.comparisons.pair_assignment import (
    compare_question,
    find_comparison,
    find_repeated_comparison,
    find_sides,
    list_other_votes,
    next_comparison,
    pair_progress,
    record_vote,
    reopen_comparison,
    skip_comparison,
)
from storage.comparisons.pairs import (
    add_pairs,
    find_pair,
    list_frozen_completions,
    list_item_models,
    list_pairs,
)
from storage.comparisons.records import PairProgress
from storage.database import Database
from storage.errors import ConflictError, RecordNotFoundError
from storage.export_rows import Selection, stream_selected_questions
from storage.questions.store import add_completion, add_question, list_questions
from storage.statistics.feedback_rows import votes as counted_votes
from storage.tables import now
from storage.withdrawals import withdraw_case, withdraw_rater
from storage.worklists.item_assignment import next_assignment
from storage.worklists.store import find_item_of_question, list_items
from tests.storage.pair_lists import LONG_AGO, cast, made, say, take, walk
from tests.storage.reading_rows import COMPLETION, as_rater, new_reading, rater, stored_slide


def test_everybody_has_an_order_and_sides_of_his_own(sqlite_database: Database) -> None:
    found = made(sqlite_database, 24)
    with sqlite_database.session() as session:
        people = [rater(session, name) for name in ("ada", "bob")]
        ids = [pair.id for pair in list_pairs(session, found.id)]
    seen = [walk(sqlite_database, found, who) for who in people]
    orders = [[one.pair_id for one in his] for his in seen]
    assert [sorted(map(str, order)) for order in orders] == [sorted(ids)] * 2
    assert orders[0] != orders[1]
    flipped = [{one.pair_id: one.flipped for one in his} for his in seen]
    assert flipped[0] != flipped[1]
    assert all({True, False} == set(his.values()) for his in flipped)
    with sqlite_database.read_only() as session:
        assert pair_progress(session, found, people[0]) == PairProgress(24, 24, 24)


def test_what_is_not_shared_goes_to_one(sqlite_database: Database) -> None:
    found = made(sqlite_database, 40, overlap=0.5)
    with sqlite_database.session() as session:
        people = [rater(session, name) for name in ("ada", "bob")]
    seen = [{one.pair_id for one in walk(sqlite_database, found, who)} for who in people]
    assert len(seen[0] | seen[1]) == 40
    assert 8 < len(seen[0] & seen[1]) < 32
    with sqlite_database.read_only() as session:  # each is done with all that is his
        for who, his in zip(people, seen, strict=True):
            assert pair_progress(session, found, who) == PairProgress(40, len(his), len(his))


def test_a_vote_is_undone_and_cast_again(database: Database) -> None:
    found = made(database, 1)
    with database.session() as session:
        ada, bob = rater(session, "ada"), rater(session, "bob")
    mine, his = take(database, found, ada, now()), take(database, found, bob, now())
    assert mine is not None
    assert his is not None
    assert take(database, found, ada, now()) == mine
    cast(database, mine)
    with pytest.raises(ConflictError, match="undo the vote"):
        cast(database, mine)
    with database.session() as session:
        with pytest.raises(ConflictError, match="no vote on this pair"):
            reopen_comparison(session, his.id, bob)
        with pytest.raises(RecordNotFoundError):
            find_comparison(session, mine.id, bob)
        undo = say(session, mine, "undone", "undo")
        assert reopen_comparison(session, mine.id, ada).ended_at is None
        assert undo
    assert take(database, found, ada, now()) == mine
    with database.read_only() as session:
        assert [*stream_selected_questions(session, Selection())] == []
        assert counted_votes(session) == []
        assert list_other_votes(session, his) == []
    with database.session() as session:
        record_vote(session, mine.id, ada, say(session, mine, "right", "again"))
    with database.read_only() as session:
        (reading,) = stream_selected_questions(session, Selection())
        assert [each.choice for each in reading.feedback] == ["right"]
        ((who, choice, _),) = list_other_votes(session, his)
        assert (who, choice) == (ada, "right")


def test_a_reading_is_open_to_a_rater_once_he_has_voted(database: Database) -> None:
    found = made(database, 1)
    with database.session() as session:
        ada = rater(session)
        (item,) = list_items(session, found.id)
    one = take(database, found, ada, now())
    assert one is not None
    with database.read_only() as session:
        answers = list_frozen_completions(session, found.id)
        assert {answer.model for answer in answers} == {"tiny", "large"}
        assert {name for name, _ in list_item_models(session, item.id)} == {"tiny", "large"}
        readings = [item.question_id, *_beside(session, str(item.question_id))]
        assert [find_item_of_question(session, str(each)) for each in readings] == [item, item]
        assert list_questions(session, "local") == []
        for reading in readings:
            assert comparison_of(session, str(reading), ada) == "open"
            assert comparison_of(session, str(reading), "local") == "drawn"
    cast(database, one)
    with database.read_only() as session:
        assert [comparison_of(session, str(each), ada) for each in readings] == ["voted"] * 2


def comparison_of(session: Session, reading: str, account: str) -> str:
    return load_question_state(session, reading, as_rater(account)).state.comparison


def _beside(session: Session, first: str) -> list[str]:
    from sqlalchemy import select

    from storage.tables import Question

    return list(session.scalars(select(Question.id).where(Question.id != first)))


def test_a_pair_comes_again_after_the_washout_on_sides_of_its_own(database: Database) -> None:
    found = made(database, 2, repeats=1.0)
    with database.session() as session:
        ada = rater(session)
    first = walk(database, found, ada)
    assert [one.round for one in first] == [0, 0]
    again = take(database, found, ada, now() + LONG_AGO + timedelta(days=1))
    assert again is not None
    assert (again.round, again.pair_id) == (1, first[0].pair_id)
    with database.read_only() as session:
        assert find_repeated_comparison(session, first[0]) == again
        assert [find_repeated_comparison(session, one) for one in (first[1], again)] == [None, None]
        assert pair_progress(session, found, ada) == PairProgress(2, 2, 2)


def test_what_was_compared_is_not_asked_blind_any_more(database: Database) -> None:
    found = made(database, 2)
    with database.session() as session:
        ada = rater(session)
        turn = next_assignment(session, found, ada, now() - LONG_AGO)
    one = take(database, found, ada, now())
    assert turn is not None
    assert one is not None
    with database.session() as session:
        # neither the pair of what she is to answer first, nor an answer to what she compares
        assert find_pair(session, str(one.pair_id)).item_id != turn.item_id
        skip_comparison(session, one.id, ada)
        assert next_comparison(session, found, ada, now() - LONG_AGO) is None
        assert next_assignment(session, found, ada, now() - LONG_AGO) == turn


def test_a_pair_that_was_passed_over_is_voted_on_no_more(database: Database) -> None:
    found = made(database, 1)
    with database.session() as session:
        ada = rater(session)
    one = take(database, found, ada, now())
    assert one is not None
    with database.session() as session:
        said = say(session, one, "left", "once")
        skip_comparison(session, one.id, ada)
        with pytest.raises(ConflictError, match="skipped this pair"):
            record_vote(session, one.id, ada, said)


def test_pairs_are_drawn_once(database: Database) -> None:
    found = made(database, 1)
    with database.session() as session:
        pairs = list_pairs(session, found.id)
        with pytest.raises(ConflictError, match="drawn once"):
            add_pairs(session, found.id, pairs)


def test_an_own_question_has_sides_when_both_answers_are_written(database: Database) -> None:
    with database.session() as session:
        ada = rater(session)
        reading = add_question(session, new_reading(stored_slide(session), account_id=ada))
        one = compare_question(session, ada, reading.id)
        assert find_sides(session, one) is None
        both = [
            add_completion(session, reading.id, replace(COMPLETION, index=n)).id for n in (0, 1)
        ]
        assert find_sides(session, one) == tuple(reversed(both) if one.flipped else both)


def test_withdrawing_takes_pairs_and_comparisons_along(database: Database) -> None:
    found = made(database, 2)
    with database.session() as session:
        ada, bob = rater(session, "ada"), rater(session, "bob")
    for who in (ada, bob):
        walk(database, found, who)
    with database.session() as session:
        withdraw_rater(session, ada, "local")
        assert len(counted_votes(session)) == 2
    with database.session() as session:
        slide = stored_slide(session)
        describe_slide(session, slide, SlideDescription("S1"))
        case = find_case(session, "S1")
        assert case is not None
        withdraw_case(session, case.id, "local")
        assert list_pairs(session, found.id) == []
        assert counted_votes(session) == []
