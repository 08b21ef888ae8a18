"""A reading while it is written, over a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from models.messages import QueueUpdate, Token
from pathviewer.questions.engine import EngineService
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.run import QuestionRun
from pathviewer.questions.service import QuestionService
from pathviewer.questions.store import QuestionStore
from pathviewer.settings import Settings
from storage.blobs import BlobStore
from storage.database import Database, open_database
from storage.errors import StorageError
from storage.user_messages import QUESTION_INTERRUPTED
from tests.databases import new_database
from tests.pathviewer.questions.asked import STARTED, asked, ended


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty one of either kind."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'state.sqlite3'}"
        if request.param == "postgres":
            template = request.getfixturevalue("postgres_template")
            url = stack.enter_context(request.getfixturevalue("postgres").database(template))
        database = new_database(url, busy_ms=50)
        stack.callback(database.close)
        yield database


@pytest.fixture
def keep(tmp_path: Path, database: Database) -> QuestionStore:
    """Readings in that database."""
    return QuestionStore(database, BlobStore(tmp_path / "blobs"), "one server")


@pytest.fixture
def readings(keep: QuestionStore) -> Iterator[QuestionService]:
    """Those that a script answers, kept there."""
    engine = EngineService(Settings(model="scripted"))
    engine.start()
    yield QuestionService(engine, keep)
    engine.close()


def blind_reading(database: Database, keep: QuestionStore) -> QuestionRun:
    return QuestionRun(keep.add(asked(database)), keep)


def kinds(reading: QuestionRun) -> list[str]:
    return [event["type"] for _, event in reading.events_since(0)]


def test_a_blind_reading_that_was_stopped_in_the_queue_has_ended(
    database: Database, keep: QuestionStore
) -> None:
    reading = blind_reading(database, keep)
    reading.handle(QueueUpdate("r", 2))
    reading.end("stopped")
    assert kinds(reading) == ["queued", "done"]
    assert reading.snapshot.record.state == "stopped"
    assert keep.find(reading.id).record.state == "stopped"
    assert not keep.find(reading.id).is_blinded


def test_a_blind_reading_that_was_stopped_in_the_middle_still_waits_for_the_answer(
    database: Database, keep: QuestionStore
) -> None:
    reading = blind_reading(database, keep)
    reading.handle(STARTED)
    reading.handle(Token("r", 0, 1, "high"))
    reading.handle(ended("high"))
    reading.end("stopped")
    assert kinds(reading) == ["started", "first_answer_wanted"]
    assert keep.find(reading.id).is_blinded
    reading.record_first_answer(keep.save_first_answer(reading.id, "low", None))
    assert kinds(reading)[-2:] == ["ended", "done"]
    assert keep.find(reading.id).record.first_answer == "low"
    with pytest.raises(QuestionRefused, match="cannot be changed"):
        keep.save_first_answer(reading.id, "high", None)


def test_what_is_told_as_ended_is_committed(database: Database, keep: QuestionStore) -> None:
    reading = QuestionRun(keep.add(asked(database, blind=False, count=2)), keep)
    reading.handle(STARTED)
    reading.handle(ended("one", 1))
    reading.handle(ended("nought", 0))
    told = {
        e["completion_id"]: e["text"] for _, e in reading.events_since(0) if e["type"] == "ended"
    }
    found = keep.find(reading.id)
    assert told == {one.id: one.text for one in found.completions}
    assert reading.snapshot.completions == found.completions
    reading.end("done")
    assert reading.snapshot.record.state == keep.find(reading.id).record.state == "done"


@pytest.mark.parametrize(
    ("logprobs", "stored"),
    [
        ((-0.25,), [-0.25]),
        ((), []),  # cancelled before its first token
        (None, None),  # the engine gives none
        ((float("nan"),), None),  # broken weights; PostgreSQL refuses it as JSON
    ],
)
def test_log_probabilities_are_stored_where_there_are_any(
    database: Database, keep: QuestionStore, logprobs: tuple[float, ...] | None, stored: object
) -> None:
    record = keep.add(asked(database, blind=False))
    end = ended("high")
    completion = replace(end.completion, token_logprobs=logprobs)
    keep.add_completion(record.id, replace(end, completion=completion))
    (found,) = keep.find(record.id).completions
    assert (found.token_ids, found.token_logprobs) == ([1], stored)


def test_who_found_a_reading_while_it_was_written_finds_its_maps_afterwards(
    database: Database, readings: QuestionService
) -> None:
    reading = readings.start(asked(database, blind=False))
    whole = reading.snapshot
    while not whole.completions:
        whole = reading.snapshot
    readings.join(20)
    assert readings.find_run(reading.id) is None
    assert readings.find_attention(whole, 0).text == whole.completions[0].text


def test_what_has_ended_is_over_once_that_is_kept_and_told(
    database: Database, keep: QuestionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = QuestionRun(keep.add(asked(database, blind=False)), keep)
    reading.handle(STARTED)
    seen: list[bool] = []
    end, tell = keep.end, reading.publish

    def note(then: Callable[..., object], *given: Any) -> None:
        seen.append(reading.is_finished)
        then(*given)

    monkeypatch.setattr(keep, "end", partial(note, end))
    monkeypatch.setattr(reading, "publish", partial(note, tell))
    reading.end("done")
    assert (seen, reading.is_finished) == ([False, False], True)


def test_a_blind_reading_is_let_go_of_once_it_has_ended_and_is_answered(
    database: Database, readings: QuestionService
) -> None:
    reading = readings.start(asked(database))
    readings.join(20)
    assert reading.snapshot.record.state == "done"
    assert readings.find_run(reading.id) is reading  # what is withheld is told from memory
    readings.save_first_answer(reading.snapshot, "low", None)
    assert readings.find_run(reading.id) is None  # what is found of it now is what is kept
    assert kinds(reading)[-1] == "done"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_database_that_is_away_is_told_and_the_text_stays(
    database: Database, keep: QuestionStore, tmp_path: Path
) -> None:
    reading = QuestionRun(keep.add(asked(database, blind=False)), keep)
    reading.handle(STARTED)
    other = open_database(f"sqlite:///{tmp_path / 'state.sqlite3'}")
    with other.session() as session:
        session.connection()  # somebody else writes and does not end
        with pytest.raises(StorageError, match="busy"):
            reading.handle(ended("all of it"))
        reading.end("failed", "What was written is not kept.")
    assert kinds(reading) == ["started", "text", "failed"]
    text = [event for _, event in reading.events_since(0) if event["type"] == "text"]
    assert text[0]["text"] == "all of it"
    assert reading.end_unsaved
    assert keep.find(reading.id).record.state == "running"
    reading.save_end()  # when the database is back
    assert not reading.end_unsaved
    assert keep.find(reading.id).record.failure == "What was written is not kept."
    other.close()


def test_a_nul_in_an_answer_is_kept_as_something_that_can_be_shown(
    database: Database, keep: QuestionStore
) -> None:
    reading = QuestionRun(keep.add(asked(database, blind=False)), keep)
    reading.handle(STARTED)
    reading.handle(ended("a\0b"))
    assert keep.find(reading.id).completions[0].text == "a\ufffdb"


def test_what_a_killed_run_left_running_has_failed(
    database: Database, keep: QuestionStore, tmp_path: Path
) -> None:
    left = keep.add(asked(database))
    other = QuestionStore(database, BlobStore(tmp_path / "blobs"), "another server")
    going = other.add(asked(database))  # into the same database, by a server that is alive
    readings = QuestionService(EngineService(Settings(model="none")), keep)
    readings.recover()
    found = readings.find(left.id)
    assert (found.record.state, found.record.failure) == ("failed", QUESTION_INTERRUPTED)
    assert not found.is_blinded
    assert keep.find(going.id).record.state == "running"
    assert (keep.recover(), other.recover()) == (0, 1)
