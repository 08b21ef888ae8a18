"""Scales that people entered: a history that only grows, whose newest entry counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.errors import RecordNotFoundError, StorageError
from storage.slides.scales import NewScale, enter_scale, list_current_scales, list_scale_history
from storage.slides.store import register_slide

LINE = {"from": [0, 0], "to": [400, 300], "um": 125}


@pytest.fixture
def slide_id(database: Database) -> str:
    """A slide."""
    with database.session() as session:
        return register_slide(session, folder="f", relative_path="a", quickhash=None).id


def enter(database: Database, slide_id: str, *entries: NewScale) -> None:
    for entry in entries:
        with database.session() as session:
            enter_scale(session, slide_id, "local", entry)


def test_the_newest_entry_counts_and_all_stay(database: Database, slide_id: str) -> None:
    enter(database, slide_id, NewScale(0.5, 0.5), NewScale(0.25, 0.5, 42.3, 42.3, LINE))
    with database.read_only() as session:
        current = list_current_scales(session)[slide_id]
        history = list_scale_history(session, slide_id)
    assert (current.mpp_x, current.mpp_y) == (0.25, 0.5)
    assert (current.claimed_x, current.claimed_y, current.line) == (42.3, 42.3, LINE)
    assert current.account_name == "local"
    assert current.entered_at is not None
    assert datetime.now(UTC) - current.entered_at < timedelta(minutes=1)
    assert [entry.mpp_y for entry in history] == [0.5, 0.5]
    assert [entry.mpp_x for entry in history] == [0.5, 0.25]


def test_what_was_entered_can_be_taken_back(database: Database, slide_id: str) -> None:
    enter(database, slide_id, NewScale(0.5, 0.5), NewScale(None, None))
    with database.read_only() as session:
        assert list_current_scales(session) == {}
        assert [entry.mpp_x for entry in list_scale_history(session, slide_id)] == [0.5, None]
    enter(database, slide_id, NewScale(0.3, 0.3))
    with database.read_only() as session:
        assert list_current_scales(session)[slide_id].mpp_x == 0.3


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (NewScale(0.0, 0.5), "a width of nothing"),
        (NewScale(0.5, -0.5), "a negative height"),
        (NewScale(0.5, None), "one axis only"),
        (NewScale(None, None, line=LINE), "a known length that takes back"),
    ],
)
def test_an_impossible_scale_is_refused(
    database: Database, slide_id: str, entry: NewScale, reason: str
) -> None:
    with pytest.raises(StorageError, match="breaks one of its rules"):
        enter(database, slide_id, entry)


def test_a_scale_of_an_unknown_slide_is_refused(database: Database) -> None:
    with pytest.raises(RecordNotFoundError):
        enter(database, "nowhere", NewScale(0.5, 0.5))


@pytest.mark.parametrize(
    "statement", ["DELETE FROM scale_entries", "UPDATE scale_entries SET mpp_x = 1"]
)
def test_the_history_only_grows(database: Database, slide_id: str, statement: str) -> None:
    enter(database, slide_id, NewScale(0.5, 0.5))
    with pytest.raises(StorageError), database.session() as session:
        session.execute(text(statement))
