"""Which votes are blind: whatever tells a rater the names, and what the washout lets him forget."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from storage.comparisons.pair_assignment import find_sides, record_vote, reopen_comparison
from storage.comparisons.pairs import find_pair
from storage.comparisons.records import ComparisonRecord
from storage.database import Database
from storage.export_rows import Selection, stream_selected_questions
from storage.feedback.store import add_feedback
from storage.statistics.feedback_rows import votes
from storage.statistics.records import Filters
from storage.statistics.repeat_rows import repeated_votes
from storage.tables import now
from tests.storage.pair_lists import LONG_AGO, cast, made, say, take, walk
from tests.storage.reading_rows import rater, verdict

BLIND = Filters(blind_votes=True)


def test_a_vote_is_blind_unless_the_names_may_be_known(database: Database) -> None:
    found = made(database, 3)
    with database.session() as session:
        ada, bob = rater(session, "ada"), rater(session, "bob")
    first, second, third = walk(database, found, ada)
    undo_and_vote(database, first)
    with database.session() as session:  # judged by itself: afterwards, and by bob before his vote
        judge_left(session, second, ada)
        judge_left(session, third, bob)
    walk(database, found, bob)
    with database.read_only() as session:
        known = {(ada, pair(session, first)), (bob, pair(session, third))}
        assert {row for row, blind in told(session).items() if not blind} == known
        assert len(told(session)) == 6


def test_of_three_answers_the_first_pair_alone_is_blind(database: Database) -> None:
    """Each two of the three pairs share an answer, and the first vote tells its name."""
    found = made(database, 2, models=("tiny", "large", "huge"))
    with database.session() as session:
        ada, bob = rater(session, "ada"), rater(session, "bob")
    walked = [walk(database, found, who) for who in (ada, bob)]
    with database.read_only() as session:
        new = set()
        for seen in walked:
            item_of = {one.id: find_pair(session, str(one.pair_id)).item_id for one in seen}
            firsts = {item_of[one.id]: one for one in reversed(seen)}.values()
            new |= {(one.rater_id, pair(session, one)) for one in firsts}
        assert {row for row, blind in told(session).items() if blind} == new
        assert (len(told(session)), len(new)) == (12, 4)


def test_the_washout_lets_a_rater_forget_what_he_was_told_before_it(database: Database) -> None:
    found = made(database, 4, repeats=1.0)
    with database.session() as session:
        ada = rater(session)
    plain, judged, undone, twice = walk(database, found, ada)
    undo_and_vote(database, twice)  # all of it before the washout
    for one in (plain, judged, undone, twice):
        if one is judged:
            with database.session() as session:  # since the pair's first turn, so not forgotten
                judge_left(session, one, ada)
        again = take(database, found, ada, now() + LONG_AGO + timedelta(days=1))
        assert again is not None
        assert (again.round, again.pair_id) == (1, one.pair_id)
        cast(database, again)
        if one is undone:
            undo_and_vote(database, again)
    with database.read_only() as session:
        blind = {(ada, pair(session, one)) for one in (plain, twice)}
        assert {row for row, blind in told(session).items() if blind} == blind
        assert len(repeated_votes(session)) == 4
        # of a repeat both votes are to be blind, and the one on `twice` was taken back
        (row,) = repeated_votes(session, BLIND)
        assert row.item == pair(session, plain)


def told(session: Session) -> dict[tuple[str, str], bool]:
    """Whether each vote that counts is blind, by rater and pair: all that tells it agrees."""
    found = {(row.rater, row.pair): row.blind for row in votes(session)}
    exported = {
        (each.rater_id, f"{each.completion_id} {each.other_completion_id}"): not each.names_known
        for reading in stream_selected_questions(session, Selection())
        for each in reading.feedback
        if each.kind == "preference"
    }
    assert exported == found
    kept = {(row.rater, row.pair) for row in votes(session, BLIND)}
    assert kept == {row for row, blind in found.items() if blind}
    return found


def pair(session: Session, one: ComparisonRecord) -> str:
    """What is compared, as the rows of votes name it."""
    found = find_pair(session, str(one.pair_id))
    return " ".join(sorted((found.one_completion_id, found.other_completion_id)))


def undo_and_vote(database: Database, one: ComparisonRecord) -> None:
    """Take a vote back and cast another."""
    with database.session() as session:
        say(session, one, "undone", f"undo {one.id}")
        reopen_comparison(session, one.id, one.rater_id)
        record_vote(session, one.id, one.rater_id, say(session, one, "right", f"again {one.id}"))


def judge_left(session: Session, one: ComparisonRecord, who: str) -> None:
    """A verdict on the answer that stands on the left."""
    both = find_sides(session, one)
    assert both is not None
    add_feedback(session, who, verdict(both[0], f"{one.id} {who}"[:64]))
