"""Which file is which slide."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import RecordNotFoundError
from storage.slides.scales import NewScale, enter_scale, list_current_scales
from storage.slides.store import (
    SlideRecord,
    find_slide_record,
    list_slide_records,
    register_slide,
    rename_slide,
)


def register(session: Session, path: str, quickhash: str | None, *missing: str) -> SlideRecord:
    return register_slide(
        session, folder="/slides", relative_path=path, quickhash=quickhash, missing_ids=missing
    )


def test_the_same_place_is_the_same_slide(database: Database) -> None:
    with database.session() as session:
        first = register(session, "a.svs", None)
        again = register(session, "a.svs", "h1")
        assert (again.id, again.quickhash, first.alias) == (first.id, "h1", "Slide 1")
        assert register(session, "a.svs", None).quickhash == "h1"
        assert register(session, "b.svs", "h2").alias == "Slide 2"


def test_only_a_new_slide_takes_the_alias_it_came_with(database: Database) -> None:
    place: dict[str, Any] = {
        "folder": "/demo",
        "relative_path": "phantom-9x9.svs",
        "quickhash": None,
    }
    with database.session() as session:
        new = register_slide(session, **place, alias="Phantom")
        assert new.alias == "Phantom"
        rename_slide(session, new.id, "Mine")
        assert register_slide(session, **place, alias="Phantom").alias == "Mine"


def test_a_moved_file_keeps_its_id_and_alias(database: Database) -> None:
    with database.session() as session:
        old = register(session, "a.svs", "h1")
        rename_slide(session, old.id, "Case 7")
        new = register(session, "2026/a.svs", "h1", old.id)
    assert (new.id, new.relative_path, new.alias) == (old.id, "2026/a.svs", "Case 7")


def test_a_copy_is_another_slide(database: Database) -> None:
    with database.session() as session:
        assert register(session, "a.svs", "h1").id != register(session, "b.svs", "h1").id


def test_files_without_a_fingerprint_are_never_taken_for_moved(database: Database) -> None:
    with database.session() as session:
        old = register(session, "a.svs", None)
        assert register(session, "b.svs", None, old.id).id != old.id


def test_another_slide_in_the_same_place_inherits_nothing(database: Database) -> None:
    with database.session() as session:
        old = register(session, "a.svs", "h1")
        enter_scale(session, old.id, "local", NewScale(0.5, 0.5))
        new = register(session, "a.svs", "h2")
        assert new.id != old.id
        assert new.id not in list_current_scales(session)
        assert [record.id for record in list_slide_records(session)] == [new.id]
        assert find_slide_record(session, old.id).replaced_at is not None


def test_a_replaced_slide_that_comes_back_is_itself_again(database: Database) -> None:
    with database.session() as session:
        old = register(session, "a.svs", "h1")
        register(session, "a.svs", "h2")
        back = register(session, "a.svs", "h1")
    assert (back.id, back.replaced_at) == (old.id, None)


def test_a_blank_alias_and_an_unknown_slide_are_refused(database: Database) -> None:
    with database.session() as session:
        slide = register(session, "a.svs", None)
        with pytest.raises(ValueError, match="alias"):
            rename_slide(session, slide.id, "  ")
        with pytest.raises(RecordNotFoundError, match="no-such-id"):
            find_slide_record(session, "no-such-id")
