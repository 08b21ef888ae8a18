"""Whose turn it is: an order of one's own, overlap, repeats after a washout."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from storage.blinding.state import find_newest_turn, load_question_state
from storage.cases.store import SlideDescription, describe_slide, find_case
from storage.database import Database
from storage.errors import ConflictError, NameTakenError, RecordNotFoundError
from storage.feedback.store import add_feedback
from storage.questions.store import add_completion, add_question, list_completions, list_questions
from storage.tables import now
from storage.withdrawals import withdraw_case, withdraw_rater
from storage.worklists.item_assignment import (
    end_assignment,
    find_assignment,
    freeze_assignment_answer,
    next_assignment,
    worklist_progress,
)
from storage.worklists.records import (
    AssignmentRecord,
    ItemRecord,
    NewItem,
    NewWorklist,
    WorklistProgress,
    WorklistRecord,
)
from storage.worklists.store import (
    add_worklist,
    find_item,
    find_item_of_question,
    find_worklist,
    freeze_item,
    list_items,
    list_worklists,
)
from tests.storage.reading_rows import (
    COMPLETION,
    as_rater,
    new_reading,
    rater,
    stored_slide,
    verdict,
)

LONG_AGO = timedelta(days=14)


def made(database: Database, count: int, name: str = "list", **rules: object) -> WorklistRecord:
    """A list whose items all have a completion."""
    with database.session() as session:
        slide = stored_slide(session)
        items = [NewItem(slide, 0, 0, 9, 9, f"Q{n}", ["a", "b"], None, "a") for n in range(count)]
        found = add_worklist(session, NewWorklist(name, "local", **rules), items)  # type: ignore[arg-type]
        for item in list_items(session, found.id):
            reading = add_question(session, new_reading(slide))
            add_completion(session, reading.id, COMPLETION)
            freeze_item(session, item.id, reading.id)
    return found


def take(
    database: Database, found: WorklistRecord, who: str, at: datetime
) -> AssignmentRecord | None:
    """The next turn at a moment."""
    with database.session() as session:
        return next_assignment(session, found, who, at - LONG_AGO)


def walk(database: Database, found: WorklistRecord, who: str) -> list[str]:
    """All items that a rater gets, each skipped at once."""
    seen = []
    while turn := take(database, found, who, now()):
        seen.append(turn.item_id)
        with database.session() as session:
            end_assignment(session, turn.id, skipped=True)
    return seen


def test_everybody_gets_everything_in_an_order_of_his_own(sqlite_database: Database) -> None:
    found = made(sqlite_database, 12)
    with sqlite_database.session() as session:
        ada, bob = rater(session, "ada"), rater(session, "bob")
        ids = [item.id for item in list_items(session, found.id)]
    orders = [walk(sqlite_database, found, who) for who in (ada, bob)]
    assert [sorted(order) for order in orders] == [sorted(ids)] * 2
    assert orders[0] != orders[1]


def test_what_is_not_shared_goes_to_one(sqlite_database: Database) -> None:
    found = made(sqlite_database, 60, overlap=0.5)
    with sqlite_database.session() as session:
        ada, bob = rater(session, "ada"), rater(session, "bob")
    seen: dict[str, set[str]] = {ada: set(), bob: set()}
    for _ in range(120):
        for who in (ada, bob):
            turn = take(sqlite_database, found, who, now())
            if turn is None:
                continue
            seen[who].add(turn.item_id)
            with sqlite_database.session() as session:
                reading = next(i for i in list_items(session, found.id) if i.id == turn.item_id)
                judge(session, reading.question_id, who, turn.id)
                end_assignment(session, turn.id)
    assert len(seen[ada] | seen[bob]) == 60
    assert 15 < len(seen[ada] & seen[bob]) < 45


def judge(session: Session, reading_id: str | None, who: str, key: str) -> None:
    (one,) = list_completions(session, [str(reading_id)])
    add_feedback(session, who, verdict(one.id, key))


def test_a_turn_is_taken_up_again_and_ends_with_a_judgment(database: Database) -> None:
    found = made(database, 2)
    with database.session() as session:
        ada = rater(session)
    first = take(database, found, ada, now())
    assert first is not None
    assert take(database, found, ada, now()) == first
    with pytest.raises(ConflictError, match="Nothing is rated"), database.session() as session:
        end_assignment(session, first.id)
    with database.session() as session:
        freeze_assignment_answer(session, first.id, "a", 4)
    with pytest.raises(ConflictError, match="already stored"), database.session() as session:
        freeze_assignment_answer(session, first.id, "b", None)
    with database.session() as session:
        item = next(each for each in list_items(session, found.id) if each.id == first.item_id)
        judge(session, item.question_id, ada, "1")
        end_assignment(session, first.id)
        assert worklist_progress(session, found, ada).done == 1
        again = find_assignment(session, first.item_id, ada)
        assert again is not None
        assert (again.first_answer, again.first_confidence) == ("a", 4)
    second = take(database, found, ada, now())
    assert second is not None
    assert second.item_id != first.item_id


def test_ones_own_items_come_again_after_the_washout(sqlite_database: Database) -> None:
    found = made(sqlite_database, 3, repeats=1.0)
    with sqlite_database.session() as session:
        ada = rater(session)
    order = []
    for key in "123":
        turn = take(sqlite_database, found, ada, now())
        assert turn is not None
        order.append(turn.item_id)
        with sqlite_database.session() as session:
            item = next(each for each in list_items(session, found.id) if each.id == turn.item_id)
            judge(session, item.question_id, ada, key)
            end_assignment(session, turn.id)
    assert take(sqlite_database, found, ada, now() + timedelta(days=13)) is None
    later = now() + timedelta(days=15)
    turn = take(sqlite_database, found, ada, later)
    assert turn is not None
    assert (turn.item_id, turn.round, turn.first_answer) == (order[0], 1, None)
    with pytest.raises(ConflictError), sqlite_database.session() as session:
        end_assignment(session, turn.id)  # the verdict of the first round is not this one's
    reading = str(item_of(sqlite_database, turn).question_id)
    with sqlite_database.session() as session:
        assert repeat_start(session, reading, ada) == turn.started_at
        assert end_assignment(session, turn.id, skipped=True)
        assert repeat_start(session, reading, ada) is None
    turn = take(sqlite_database, found, ada, later)
    assert turn is not None
    assert (turn.item_id, turn.round) == (order[1], 1)


def test_the_newest_turn_changes_with_each_item_and_its_end(database: Database) -> None:
    found = made(database, 2)
    with database.session() as session:
        ada = rater(session)
        assert find_newest_turn(session, as_rater(ada)) is None
    turn = take(database, found, ada, now())
    assert turn is not None
    with database.session() as session:
        assert find_newest_turn(session, as_rater(ada)) == turn.started_at
        assert end_assignment(session, turn.id, skipped=True)
        ended = find_newest_turn(session, as_rater(ada))
        assert ended is not None
        assert ended > turn.started_at
        assert find_newest_turn(session, as_rater("bob")) is None


def repeat_start(session: Session, reading: str, account: str) -> datetime | None:
    return load_question_state(session, reading, as_rater(account)).repeat_start


def item_of(database: Database, turn: AssignmentRecord) -> ItemRecord:
    with database.read_only() as session:
        return find_item(session, turn.item_id)


def test_an_item_ends_once_and_what_was_judged_is_not_skipped(sqlite_database: Database) -> None:
    found = made(sqlite_database, 3)
    with sqlite_database.session() as session:
        ada = rater(session)
    for key, skipped in (("1", True), ("2", False)):
        turn = take(sqlite_database, found, ada, now())
        assert turn is not None
        with sqlite_database.session() as session:
            judge(session, item_of(sqlite_database, turn).question_id, ada, key)
            assert end_assignment(session, turn.id, skipped=skipped)
            assert not end_assignment(session, turn.id, skipped=True)  # another tab comes late
            assert worklist_progress(session, found, ada).skipped == 0
    walk(sqlite_database, found, ada)
    with sqlite_database.session() as session:
        assert worklist_progress(session, found, ada) == WorklistProgress(
            3, 3, mine=3, done=3, skipped=1
        )


def test_items_without_answers_wait(database: Database) -> None:
    with database.session() as session:
        ada, slide = rater(session), stored_slide(session)
        new = NewWorklist("list", "local")
        add_worklist(session, new, [NewItem(slide, 0, 0, 9, 9, "Q", [], None, None)])
        found = find_worklist(session, "list")
        assert list_worklists(session) == [found]
        assert next_assignment(session, found, ada, now()) is None
        assert worklist_progress(session, found, ada) == WorklistProgress(
            items=1, made=0, mine=0, done=0, skipped=0
        )
    with pytest.raises(NameTakenError, match="was already imported"), database.session() as session:
        add_worklist(session, new, [])
    with pytest.raises(RecordNotFoundError), database.read_only() as session:
        find_worklist(session, "none")


def test_answers_are_frozen_and_not_among_ones_readings(database: Database) -> None:
    found = made(database, 1)
    with database.session() as session:
        (item,) = list_items(session, found.id)
        assert find_item_of_question(session, str(item.question_id)) == item
        assert list_questions(session, "local") == []
    with (
        pytest.raises(ConflictError, match="already has its answers"),
        database.session() as session,
    ):
        freeze_item(session, item.id, str(item.question_id))


def test_a_rater_who_is_taken_back_has_no_turns(database: Database) -> None:
    found = made(database, 1)
    with database.session() as session:
        ada = rater(session)
        turn = next_assignment(session, found, ada, now())
        assert turn is not None
        withdraw_rater(session, ada, "local")
        assert find_assignment(session, turn.item_id, ada) is None
        withdraw_rater(session, "local", "local")  # who made the answers
        assert worklist_progress(session, found, ada).made == 1


def test_a_case_that_is_taken_back_leaves_its_lists(database: Database) -> None:
    found = made(database, 2)
    with database.session() as session:
        ada = rater(session)
        turn = next_assignment(session, found, ada, now())
        assert turn is not None
        describe_slide(session, stored_slide(session), SlideDescription("S-1"))
        case = find_case(session, "S-1")
        assert case is not None
        gone = withdraw_case(session, case.id, "local")
        assert gone.detail["questions"] == 2
        assert list_items(session, found.id) == []
