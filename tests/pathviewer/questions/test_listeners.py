"""Who listens to a run is woken by everything that it publishes, and by nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages import Token
from pathviewer.api.progress import stream_question_progress
from pathviewer.questions.engine import EngineService
from pathviewer.questions.listeners import Listener, Listeners
from pathviewer.questions.run import QuestionRun
from pathviewer.questions.service import QuestionService
from pathviewer.questions.store import QuestionStore
from pathviewer.settings import Settings
from storage.blobs import BlobStore
from storage.database import Database
from tests.databases import new_database
from tests.pathviewer.questions.asked import STARTED, asked, ended

SECONDS = 20
"""A wait this long was never woken."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty one."""
    database = new_database(f"sqlite:///{tmp_path / 'state.sqlite3'}")
    yield database
    database.close()


@pytest.fixture
def keep(tmp_path: Path, database: Database) -> QuestionStore:
    """Questions in that database."""
    return QuestionStore(database, BlobStore(tmp_path / "blobs"), "one server")


@pytest.fixture
def run(database: Database, keep: QuestionStore) -> QuestionRun:
    """One that is not blind and has published nothing."""
    return QuestionRun(keep.add(asked(database, blind=False, count=2)), keep)


@pytest.fixture
def blind_run(database: Database, keep: QuestionStore) -> QuestionRun:
    """One that shows nothing of the model before the first answer."""
    return QuestionRun(keep.add(asked(database)), keep)


async def listen(run: QuestionRun, number: int = 0) -> list[tuple[int, dict[str, Any]]]:
    """Every event up to the last one; only a wake ends a wait."""
    found: list[tuple[int, dict[str, Any]]] = []
    with run.listeners.register() as listener:
        while not found or found[-1][1]["type"] != "done":
            found += run.events_since(found[-1][0] if found else number)
            if not found or found[-1][1]["type"] != "done":
                await listener.wait()
    return found


def in_thread(act: Callable[[], None]) -> None:
    """Act in another thread, to its end."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(act).result()


@pytest.mark.parametrize("when", ["before the wait", "during the wait"])
def test_a_wake_ends_the_wait_whenever_it_comes(when: str) -> None:
    async def wait() -> None:
        listener = Listener()
        with anyio.fail_after(SECONDS):
            if when == "before the wait":
                in_thread(listener.wake)
                await listener.wait()
            else:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(listener.wait)
                    await anyio.wait_all_tasks_blocked()
                    in_thread(listener.wake)

    asyncio.run(wait())


def test_a_listener_sleeps_until_something_is_published(run: QuestionRun) -> None:
    wakes = 0

    async def count() -> None:
        nonlocal wakes
        with run.listeners.register() as listener:
            while True:
                await listener.wait()
                wakes += 1

    async def watch() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(count)
            for expected in (0, 1, 2):
                await anyio.sleep(0.3)  # ten polls, as it was
                assert wakes == expected
                in_thread(lambda: run.publish({"type": "queued", "position": 1}))
            tasks.cancel_scope.cancel()

    asyncio.run(watch())


def test_silence_ends_the_wait_when_it_is_limited() -> None:
    async def wait() -> None:
        with anyio.fail_after(SECONDS):
            await Listener().wait(0.01)

    asyncio.run(wait())


def test_a_wake_of_a_closed_loop_is_of_no_account() -> None:
    async def make() -> Listener:
        return Listener()

    asyncio.run(make()).wake()


THINGS: dict[str, Callable[[QuestionRun], None]] = {
    "an event": lambda run: run.publish({"type": "queued", "position": 1}),
    "the release": lambda run: run.release(),
    "the first answer": lambda run: run.record_first_answer(run.snapshot.record),
    "the end": lambda run: run.end("stopped"),
}


@pytest.mark.parametrize("act", THINGS.values(), ids=THINGS.keys())
def test_what_a_listener_looks_at_wakes_it(
    blind_run: QuestionRun, act: Callable[[QuestionRun], None]
) -> None:
    blind_run.handle(STARTED)

    async def wait() -> None:
        with anyio.fail_after(SECONDS), blind_run.listeners.register() as listener:
            await anyio.to_thread.run_sync(act, blind_run)
            await listener.wait()

    asyncio.run(wait())


def test_what_several_threads_publish_reaches_the_listeners_of_several_loops(
    run: QuestionRun,
) -> None:
    threads, each, loops, in_loop = 4, 100, 2, 5
    barrier = threading.Barrier(threads + loops)

    def publish(name: int) -> None:
        barrier.wait()
        for number in range(each):
            run.publish({"type": "comparing", "by": name, "number": number})

    async def gather() -> list[list[tuple[int, dict[str, Any]]]]:
        with anyio.fail_after(2 * SECONDS):
            return await asyncio.gather(*(listen(run) for _ in range(in_loop)))

    def loop() -> list[list[tuple[int, dict[str, Any]]]]:
        barrier.wait()
        return asyncio.run(gather())

    with ThreadPoolExecutor(threads + loops) as pool:
        heard = [pool.submit(loop) for _ in range(loops)]
        for publishing in [pool.submit(publish, name) for name in range(threads)]:
            publishing.result()
        run.end("done")
        everything = run.events_since(0)
        assert [number for number, _ in everything] == list(range(1, threads * each + 2))
        assert [one for each_loop in heard for one in each_loop.result()] == [
            everything for _ in range(loops * in_loop)
        ]
    assert len(run.listeners) == 0


@given(st.lists(st.sampled_from(["write", "wait", "yield"]), max_size=30))
def test_a_listener_never_waits_for_what_is_written_already(steps: list[str]) -> None:
    async def follow() -> None:
        listeners, written, read = Listeners(), 0, 0
        with anyio.fail_after(SECONDS), listeners.register() as listener:
            for step in [*steps, "wait"]:
                if step == "write":
                    written += 1
                    listeners.wake()
                elif step == "wait" and written > read:
                    await listener.wait()
                    read = written
                else:
                    await asyncio.sleep(0)

    asyncio.run(follow())


def test_a_listener_that_is_cancelled_is_forgotten(run: QuestionRun) -> None:
    async def cancel() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(listen, run)
            await anyio.wait_all_tasks_blocked()
            assert len(run.listeners) == 3
            tasks.cancel_scope.cancel()

    asyncio.run(cancel())
    assert len(run.listeners) == 0
    run.publish({"type": "queued", "position": 1})


def test_what_is_withheld_comes_with_the_first_answer(
    blind_run: QuestionRun, keep: QuestionStore
) -> None:
    async def hear() -> tuple[list[str], list[str]]:
        with anyio.fail_after(SECONDS):
            listening = asyncio.create_task(listen(blind_run))
            in_thread(write)
            with blind_run.listeners.register() as listener:
                await listener.wait(0.1)
                seen = [event["type"] for _, event in blind_run.events_since(0)]
                assert not listening.done()
            record = keep.save_first_answer(blind_run.id, "low", None)
            in_thread(lambda: blind_run.record_first_answer(record))
            return seen, [event["type"] for _, event in await listening]

    def write() -> None:
        blind_run.handle(STARTED)
        blind_run.handle(Token("r", 0, 1, "high"))
        blind_run.handle(ended("high"))
        blind_run.end("done")

    before, after = asyncio.run(hear())
    assert before == ["started", "first_answer_wanted"]
    assert after == [*before, "ended", "done"]


@pytest.fixture
def questions(keep: QuestionStore) -> Iterator[QuestionService]:
    """What a script answers."""
    engine = EngineService(Settings(model="scripted"))
    engine.start()
    yield QuestionService(engine, keep)
    engine.close()


@pytest.mark.parametrize("blind", [False, True])
def test_progress_ends_with_the_run(
    database: Database, questions: QuestionService, *, blind: bool
) -> None:
    async def follow(question_id: str) -> list[dict[str, Any]]:
        with anyio.fail_after(SECONDS):
            return [one async for one in stream_question_progress(questions, question_id, 1)]

    run = questions.start(asked(database, blind=blind))
    updates = asyncio.run(follow(run.id))
    questions.join(SECONDS)
    assert len(run.listeners) == 0
    said = [one["progress"] for one in updates]
    assert said == sorted(set(said), key=said.index), "a sentence is said once"
    assert any("answer 1" in one for one in said) is not blind
    assert asyncio.run(follow(run.id)) == [] or blind


def test_progress_that_nobody_wants_any_more_is_forgotten(
    database: Database, keep: QuestionStore, tmp_path: Path
) -> None:
    script = tmp_path / "script.toml"
    script.write_text('seconds_per_token = 60\n[[answer]]\ntexts = ["late"]\n', encoding="utf-8")
    engine = EngineService(Settings(model=f"scripted:{script}"))
    engine.start()
    questions = QuestionService(engine, keep)
    run = questions.start(asked(database, blind=False))

    async def take_one() -> None:
        with anyio.fail_after(SECONDS):
            progress = stream_question_progress(questions, run.id, 1)
            async for _ in progress:
                assert len(run.listeners) == 1
                break
            await progress.aclose()  # type: ignore[attr-defined]

    asyncio.run(take_one())
    assert len(run.listeners) == 0
    questions.stop(run.id)
    questions.join(SECONDS)
    engine.close()
