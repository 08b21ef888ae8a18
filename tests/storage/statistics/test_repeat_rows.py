"""Which verdicts and votes make a repeat: a rater's own, before and after something came again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from storage.comparisons.pair_assignment import (
    find_repeated_comparison,
    reopen_comparison,
    skip_comparison,
)
from storage.database import Database
from storage.feedback.store import add_feedback
from storage.questions.store import add_completion, add_question, list_completions
from storage.statistics.records import Filters
from storage.statistics.repeat_rows import repeated_votes, repeats
from storage.tables import now
from storage.worklists.item_assignment import end_assignment, next_assignment
from storage.worklists.records import NewItem, NewWorklist
from storage.worklists.store import add_worklist, find_item, freeze_item, list_items
from tests.storage.pair_lists import LONG_AGO, cast, made, say, take, walk
from tests.storage.reading_rows import (
    COMPLETION,
    new_reading,
    rater,
    stored_slide,
    verdict,
    viewing,
)


def judged(session: Session, item: str, who: str, key: str, said: str) -> None:
    reading = find_item(session, item).question_id
    assert reading is not None
    (one,) = list_completions(session, [reading])
    add_feedback(session, who, verdict(one.id, key, verdict=said))


def test_what_came_again_is_found_whatever_superseded_it(database: Database) -> None:
    """A turn counts with its last word; one that was skipped not at all."""
    with database.session() as session:
        slide, ada = stored_slide(session), rater(session)
        items = [NewItem(slide, 0, 0, 9, 9, f"Q{n}", [], None, None) for n in range(3)]
        found = add_worklist(session, NewWorklist("list", "local", repeats=1.0), items)
        for item in list_items(session, found.id):
            reading = add_question(session, new_reading(slide))
            add_completion(session, reading.id, COMPLETION)
            freeze_item(session, item.id, reading.id)
    said = iter([("unsure", "correct"), ("incorrect",), ("unsure",)])
    again = iter([("incorrect",), ("unsure", "incorrect"), ()])
    for words, washout in ((said, timedelta(hours=1)), (again, timedelta(seconds=-1))):
        for number in range(3):
            with database.session() as session:
                turn = next_assignment(session, found, ada, now() - washout)
                assert turn is not None
                assert turn.round == int(words is again)
                told = next(words)
                for place, word in enumerate(told):
                    judged(session, turn.item_id, ada, f"{turn.round} {number} {place}", word)
                end_assignment(session, turn.id, skipped=not told)
    with database.read_only() as session:
        rows = repeats(session)
        assert sorted((each.first, each.again) for each in rows) == [
            ("correct", "incorrect"),
            ("incorrect", "incorrect"),
        ]
        assert repeats(session, Filters(since=now())) == []
        assert repeats(session, Filters(viewer=viewing("somebody else"))) == []
        assert len(repeats(session, Filters(viewer=viewing(ada)))) == len(rows)


def test_votes_of_both_turns_are_a_repeat_whatever_the_sides(database: Database) -> None:
    found = made(database, 4, repeats=1.0)
    with database.session() as session:
        ada, bob = rater(session, "ada"), rater(session, "bob")
    firsts = walk(database, found, ada)  # the left one is better
    walk(database, found, bob)  # whose pairs do not come again
    wanted = []
    for first, choice in zip(firsts, ("left", "right", "tie", None), strict=True):
        again = take(database, found, ada, now() + LONG_AGO + timedelta(days=1))
        assert again is not None
        if choice is None:
            with database.session() as session:
                skip_comparison(session, again.id, ada)
            continue
        cast(database, again, choice)
        then = ("first", "second")[first.flipped]
        wanted.append((then, {"tie": "tie"}.get(choice, SIDES[choice == "right", again.flipped])))
    with database.read_only() as session:
        rows = repeated_votes(session)
        assert [(row.first, row.again) for row in rows] == wanted
        assert {row.rater for row in rows} == {ada}
        assert len(repeated_votes(session, Filters(model="large"))) == len(wanted)
        nothing = (
            Filters(model="other"),
            Filters(since=now()),
            Filters(viewer=viewing("somebody else")),
        )
        assert [repeated_votes(session, each) for each in nothing] == [[]] * 3
    with database.session() as session:
        again = find_repeated_comparison(session, firsts[0])
        assert again is not None
        say(session, again, "undone", "undo")
        reopen_comparison(session, again.id, ada)
        assert len(repeated_votes(session)) == len(wanted) - 1


SIDES = {(False, False): "first", (False, True): "second"}
SIDES |= {(True, False): "second", (True, True): "first"}
"""Which of a pair is preferred, by whether the right one is and whether they are flipped."""
