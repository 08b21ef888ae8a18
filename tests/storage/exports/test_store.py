"""Which completions went into a version of a data set."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from storage.cases.store import SlideDescription, describe_slide
from storage.database import Database
from storage.exports.store import DatasetVersion, add_exported_completions
from storage.tables import ExportedCompletion, Slide
from storage.withdrawals import withdraw_case
from tests.storage.reading_rows import stored_pair

VERSION, NEXT = (DatasetVersion(letter * 64, "sft", "local") for letter in "ab")


def pair(database: Database) -> list[str]:
    """Ids of two completions."""
    with database.session() as session:
        return [each.id for each in stored_pair(session)]


def stored(database: Database) -> list[tuple[str, str]]:
    """Versions and completions, in order."""
    columns = (ExportedCompletion.dataset_sha256, ExportedCompletion.completion_id)
    with database.read_only() as session:
        rows = session.execute(select(*columns).order_by(*columns))
        return [(version, completion) for version, completion in rows]


def test_the_same_version_is_stored_once_and_another_beside_it(database: Database) -> None:
    first, second = pair(database)
    for version, completions in (
        (VERSION, [first]),
        (VERSION, [first, second]),
        (NEXT, [second]),
        (VERSION, [second, first]),
    ):
        with database.session() as session:
            add_exported_completions(session, version, completions)
    of_version = [(VERSION.dataset_sha256, each) for each in (first, second)]
    assert stored(database) == [*of_version, (NEXT.dataset_sha256, second)]


def test_what_was_withdrawn_during_the_export_is_left_out(database: Database) -> None:
    completions = pair(database)
    with database.session() as session:
        slide = session.scalars(select(Slide)).one()
        describe_slide(session, slide.id, SlideDescription("S-1"))
        assert slide.case_id is not None
        withdraw_case(session, slide.case_id, "local")
    with database.session() as session:
        add_exported_completions(session, VERSION, completions)
    assert stored(database) == []


def test_the_same_export_at_the_same_time_waits(database: Database) -> None:
    completions = pair(database)
    together = threading.Barrier(2)

    def export() -> None:
        together.wait(10)
        with database.session() as session:
            add_exported_completions(session, VERSION, completions)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(export) for _ in range(2)]:
            done.result(30)
    assert len(stored(database)) == 2
