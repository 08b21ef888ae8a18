"""The laws of assignment, which hold for items and pairs alike, whatever raters do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from storage.assignment import AssignmentKind, RaterShare
from storage.comparisons.pair_assignment import PAIRS, record_vote, skip_comparison
from storage.database import Database
from storage.errors import StorageError
from storage.feedback.store import add_feedback
from storage.questions.store import add_completion, add_question, list_completions
from storage.row_values import as_record
from storage.tables import Account, Worklist, WorklistItem, WorklistPair, now
from storage.worklists.item_assignment import ITEMS, end_assignment, freeze_assignment_answer
from storage.worklists.records import WorklistRecord
from storage.worklists.store import find_item, find_worklist
from tests.databases import new_database
from tests.storage.pair_lists import say
from tests.storage.reading_rows import COMPLETION, new_reading, stored_slide, verdict

RATERS = ("ada", "bob", "cid")
LONG_AGO = timedelta(days=14)
LISTED = [f"list {n}" for n in range(4)]
"""Ids of the items; a pair of each has the same."""


@dataclass(frozen=True)
class Desk:
    """Where raters get items, or pairs."""

    kind: AssignmentKind[Any]
    """Which of both."""

    finish: Callable[[Session, Any], object]
    """Judge what was assigned, and end it."""

    skip: Callable[[Session, Any], object]
    """End it without."""

    def history(self, session: Session) -> list[Any]:
        """All assignments, oldest first."""
        rows = session.scalars(self.kind.select_rows("list"))
        return [as_record(self.kind.record, row) for row in rows]

    def key(self, turn: Any) -> str:
        """What was assigned."""
        return str(getattr(turn, self.kind.key.key))

    def take(self, session: Session, found: WorklistRecord, who: str, washed_out: datetime) -> Any:
        """The next assignment."""
        return self.kind.assign_next(session, found, who, washed_out)

    def end(self, session: Session, turn: Any, act: str) -> None:
        """Finish, skip or leave what is open, if anything is."""
        if turn is not None and act != "leave":
            (self.skip if act == "skip" else self.finish)(session, turn)


def rate(session: Session, turn: Any) -> None:
    reading = find_item(session, turn.item_id).question_id
    one, _ = list_completions(session, [str(reading)])
    add_feedback(session, turn.rater_id, verdict(one.id, turn.id))
    end_assignment(session, turn.id)


def vote(session: Session, turn: Any) -> None:
    record_vote(session, turn.id, turn.rater_id, say(session, turn, "left", turn.id))


DESKS = {
    "items": Desk(
        ITEMS, rate, lambda session, turn: end_assignment(session, turn.id, skipped=True)
    ),
    "pairs": Desk(
        PAIRS, vote, lambda session, turn: skip_comparison(session, turn.id, turn.rater_id)
    ),
}
each_desk = pytest.mark.parametrize("desk", DESKS.values(), ids=DESKS)
few = settings(deadline=None, max_examples=30)
shares = st.sampled_from([0.0, 0.5, 1.0])
raters = st.sampled_from(RATERS)
acts = st.sampled_from(["finish", "skip", "leave"])
later = st.booleans()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = new_database(f"sqlite:///{tmp_path_factory.mktemp('laws')}/x.sqlite3")
    yield database
    database.close()


def made(session: Session, keys: list[str] = LISTED, **rules: Any) -> WorklistRecord:
    """A list of items with a pair each; the ids, and so the draws, are the same each time."""
    session.add_all(Account(id=name, name=name, role="clinician") for name in RATERS)
    values = {"blind": False, "teaching": False, "overlap": 1.0, "repeats": 0.0} | rules
    session.add(Worklist(id="list", name="list", account_id="local", **values))
    slide = stored_slide(session)
    for position, key in enumerate(keys):
        reading = add_question(session, new_reading(slide)).id
        both = [add_completion(session, reading, replace(COMPLETION, index=n)).id for n in (0, 1)]
        asked = {"x": 0, "y": 0, "width": 9, "height": 9, "question": "Q", "options": []}
        place = {"worklist_id": "list", "position": position, "slide_id": slide}
        session.add(WorklistItem(id=key, question_id=reading, **place, **asked))
        session.flush()
        one, other = sorted(both)
        sides = {"one_completion_id": one, "other_completion_id": other}
        session.add(WorklistPair(id=key, item_id=key, plan="all", seed=0, probability=1.0, **sides))
    session.flush()
    return find_worklist(session, "list")


def draw(*words: str) -> int:
    """The documented draw, out of 16 ** 13."""
    return int(hashlib.sha256(" ".join(words).encode()).hexdigest()[:13], 16)


def is_drawn(share: float, *words: str) -> bool:
    return draw(*words) < share * 16**13


def is_free(desk: Desk, found: WorklistRecord, before: list[Any], who: str, key: str) -> bool:
    """Whether a key is shared, or nobody else holds or has finished it."""
    others = {desk.key(turn) for turn in before if turn.rater_id != who and not turn.skipped}
    return key not in others or is_drawn(found.overlap, "shared", found.id, key)


def due(desk: Desk, found: WorklistRecord, own: list[Any], washed_out: datetime) -> list[str]:
    """What a rater is to see again, oldest first."""
    repeated = {desk.key(turn) for turn in own if turn.round}
    return [
        desk.key(turn)
        for turn in own
        if not (turn.round or turn.skipped or turn.ended_at is None or turn.ended_at > washed_out)
        and desk.key(turn) not in repeated
        and is_drawn(found.repeats, "repeat", turn.rater_id, desk.key(turn))
    ]


def check_next(
    desk: Desk, found: WorklistRecord, before: list[Any], who: str, washed_out: datetime, turn: Any
) -> None:
    """Compare what a rater was given with what all raters had before."""
    own = [each for each in before if each.rater_id == who]
    for each in own:
        if each.ended_at is None:  # comes back until it ends
            assert turn == each
            return
    seen = {desk.key(each) for each in own}
    new = [key for key in LISTED if key not in seen and is_free(desk, found, before, who, key)]
    again = due(desk, found, own, washed_out)
    wanted = again[:1] or sorted(new, key=lambda key: draw("order", who, key))[:1]
    assert ([] if turn is None else [desk.key(turn)]) == wanted
    if turn is not None:
        assert (turn.rater_id, turn.round) == (who, int(bool(again)))
        assert (turn.ended_at, turn.skipped) == (None, False)


@each_desk
@few
@given(steps=st.lists(st.tuples(raters, later, acts)), overlap=shares, repeats=shares)
def test_whatever_raters_do_the_rules_decide_who_gets_what(
    empty: Database, desk: Desk, steps: list[tuple[str, bool, str]], overlap: float, repeats: float
) -> None:
    with empty.session() as session:
        found = made(session, overlap=overlap, repeats=repeats)
        for who, is_later, act in steps:
            before = desk.history(session)
            washed_out = now() if is_later else now() - LONG_AGO
            turn = desk.take(session, found, who, washed_out)
            check_next(desk, found, before, who, washed_out, turn)
            desk.end(session, turn, act)
        history = desk.history(session)
        rounds = [(turn.rater_id, desk.key(turn), turn.round) for turn in history]
        assert len(rounds) == len(set(rounds))
        for who in RATERS:
            firsts = [turn for turn in history if turn.rater_id == who and not turn.round]
            free = {key for key in LISTED if is_free(desk, found, history, who, key)}
            assert desk.kind.measure_share(session, found, who) == RaterShare(
                size=len(free | set(map(desk.key, firsts))),
                done=sum(turn.ended_at is not None for turn in firsts),
                skipped=sum(turn.skipped for turn in firsts),
            )
        session.rollback()


@few
@given(steps=st.lists(st.tuples(st.sampled_from(list(DESKS)), raters, acts)))
def test_a_blind_list_hides_what_would_tell_the_answer(
    empty: Database, steps: list[tuple[str, str, str]]
) -> None:
    with empty.session() as session:
        found = made(session, blind=True)
        for name, who, act in steps:
            items, pairs = (
                [turn for turn in desk.history(session) if turn.rater_id == who]
                for desk in DESKS.values()
            )
            turn = DESKS[name].take(session, found, who, now() - LONG_AGO)
            if turn is not None and turn not in items + pairs:
                unanswered = {each.item_id for each in items if each.ended_at is None}
                hidden = {"items": {each.pair_id for each in pairs}, "pairs": unanswered}
                assert DESKS[name].key(turn) not in hidden[name]
            DESKS[name].end(session, turn, act)
        session.rollback()


def test_a_pair_waits_for_the_end_of_its_item_and_an_item_is_gone_for_good(
    empty: Database,
) -> None:
    items, pairs = DESKS.values()
    with empty.session() as session:
        found = made(session, LISTED[:1], blind=True)
        turn = items.take(session, found, "ada", now())
        assert pairs.take(session, found, "ada", now()) is None
        assert PAIRS.measure_share(session, found, "ada").size == 1  # it comes later
        freeze_assignment_answer(session, turn.id, "a", None)
        assert pairs.take(session, found, "ada", now()) is None
        items.skip(session, turn)
        assert pairs.take(session, found, "ada", now()) is not None
        assert pairs.take(session, found, "bob", now()) is not None
        assert items.take(session, found, "bob", now()) is None
        assert ITEMS.measure_share(session, found, "bob").size == 0
        session.rollback()


def test_in_a_list_that_is_not_blind_each_waits_for_the_end_of_the_other(empty: Database) -> None:
    items, pairs = DESKS.values()
    with empty.session() as session:
        found = made(session, LISTED[:1])
        for first, second in ((items, pairs), (pairs, items)):
            who = RATERS[first is items]
            turn = first.take(session, found, who, now())
            assert second.take(session, found, who, now()) is None
            first.skip(session, turn)
            assert second.take(session, found, who, now()) is not None
        session.rollback()


@each_desk
def test_orders_differ_between_raters_and_stay(empty: Database, desk: Desk) -> None:
    orders: dict[str, list[str]] = {who: [] for who in RATERS}
    with empty.session() as session:
        found = made(session, [f"list {n}" for n in range(6)])
        for who, order in orders.items():
            while turn := desk.take(session, found, who, now()):
                order.append(desk.key(turn).removeprefix("list "))
                desk.skip(session, turn)
        session.rollback()
    drawn = {"ada": "234015", "bob": "235140", "cid": "154302"}
    assert {who: "".join(order) for who, order in orders.items()} == drawn


@each_desk
def test_what_another_skipped_is_free_again(empty: Database, desk: Desk) -> None:
    with empty.session() as session:
        found = made(session, LISTED[:1], overlap=0.0)
        turn = desk.take(session, found, "ada", now())
        assert desk.take(session, found, "bob", now()) is None
        desk.skip(session, turn)
        assert desk.key(desk.take(session, found, "bob", now())) == desk.key(turn)
        assert desk.take(session, found, "ada", now()) is None
        session.rollback()


@each_desk
def test_who_asks_at_the_same_time_waits(postgres_database: Database, desk: Desk) -> None:
    with postgres_database.session() as session:
        found = made(session, LISTED[:1], overlap=0.0)
    with postgres_database.session() as first:
        assert desk.take(first, found, "ada", now()) is not None
        with pytest.raises(StorageError, match="busy"), postgres_database.session() as second:
            second.execute(text("SET LOCAL lock_timeout = '50ms'"))
            desk.take(second, found, "bob", now())
    with postgres_database.session() as session:
        assert desk.take(session, found, "bob", now()) is None


@each_desk
def test_a_repeat_comes_once_after_the_washout_and_not_of_what_was_skipped(
    empty: Database, desk: Desk
) -> None:
    with empty.session() as session:
        found = made(session, LISTED[:3], repeats=1.0)
        finished = []
        for act in (desk.finish, desk.skip, desk.finish):
            turn = desk.take(session, found, "ada", now() - LONG_AGO)
            act(session, turn)
            finished += [] if act is desk.skip else [desk.key(turn)]
        assert desk.take(session, found, "ada", now() - LONG_AGO) is None
        for key in finished:
            turn = desk.take(session, found, "ada", now())
            assert (desk.key(turn), turn.round) == (key, 1)
            desk.finish(session, turn)
        assert desk.take(session, found, "ada", now()) is None
        session.rollback()


@each_desk
def test_an_assignment_ends_once(empty: Database, desk: Desk) -> None:
    with empty.session() as session:
        desk.skip(session, desk.take(session, made(session), "ada", now()))
        (ended,) = desk.history(session)
        desk.skip(session, ended)  # another tab comes late
        assert desk.history(session) == [ended]
        session.rollback()
