"""Regions belong to one account and one slide."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from storage.accounts.store import add_account
from storage.database import Database
from storage.errors import RecordNotFoundError, StorageError
from storage.slides.regions import (
    NewRegion,
    add_region,
    delete_region,
    list_regions,
    update_region,
)
from storage.slides.store import register_slide

BOX = NewRegion("gland", "rectangle", [(10, 20), (40, 60)], 10, 20, 30, 40)


def slide_of(session: Session, path: str = "a.svs") -> str:
    return register_slide(session, folder="f", relative_path=path, quickhash=None).id


def test_a_region_is_read_back_changed_and_deleted(database: Database) -> None:
    with database.session() as session:
        slide = slide_of(session)
        added = add_region(session, slide, "local", BOX)
        assert list_regions(session, slide, "local") == [added]
        moved = update_region(session, slide, "local", added.id, replace(BOX, x=11, name="duct"))
        assert (moved.id, moved.x, moved.name) == (added.id, 11, "duct")
        assert moved.updated_at > moved.created_at
        delete_region(session, slide, "local", added.id)
        assert list_regions(session, slide, "local") == []


def test_nobody_else_sees_changes_or_deletes_it(database: Database) -> None:
    with database.session() as session:
        slide, other_slide = slide_of(session), slide_of(session, "b.svs")
        other = add_account(session, name="ada", role="clinician").id
        region = add_region(session, slide, "local", BOX).id
        assert list_regions(session, slide, other) == []
        for place in ((slide, other), (other_slide, "local")):
            with pytest.raises(RecordNotFoundError):
                update_region(session, *place, region, BOX)
            with pytest.raises(RecordNotFoundError):
                delete_region(session, *place, region)


@pytest.mark.parametrize(
    ("slide", "account", "drawn"),
    [
        ("missing", "local", BOX),  # no such slide
        (None, "visitor", BOX),  # visitors of a demo own nothing
        (None, "local", replace(BOX, width=0)),  # an empty box
        (None, "local", replace(BOX, shape="circle")),  # type: ignore[arg-type]  # no such shape
    ],
)
def test_rows_that_break_a_rule_are_refused(
    database: Database, slide: str | None, account: str, drawn: NewRegion
) -> None:
    with pytest.raises(StorageError, match="rules"), database.session() as session:
        add_region(session, slide or slide_of(session), account, drawn)


corner = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(st.tuples(corner, corner), min_size=1, max_size=20))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_points_come_back_exactly(database: Database, points: list[tuple[float, float]]) -> None:
    with database.session() as session:
        slide = slide_of(session)
        added = add_region(session, slide, "local", replace(BOX, points=points))
        session.expire_all()
        (read,) = (r for r in list_regions(session, slide, "local") if r.id == added.id)
    assert list(read.points) == points
