"""The worker: one call at a time, by priority, with places known, cancelled within a token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from models.engines.worker.engine import WorkerEngine
from models.engines.worker.messages import EngineSpec
from models.errors import CancelledError, PromptError, WorkerError
from models.messages import (
    AttentionRows,
    Completion,
    CompletionEnd,
    Event,
    GenerateRequest,
    GenerationStart,
    OcclusionRequest,
    Prompt,
    QueueUpdate,
    Sampling,
    Token,
)

ENGINE = "tests.models.engines.tiny_engine"


def tiny(**arguments: Any) -> WorkerEngine:
    """A worker with the tiny engine, loading."""
    return WorkerEngine(EngineSpec("tiny", ENGINE, "TinyEngine", arguments))


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerEngine]:
    """A worker that nothing here breaks."""
    with closing(tiny()) as backend:
        assert backend.wait_until_settled(60).state == "ready"
        yield backend


def order(text: str, name: str = "a", priority: int = 0) -> GenerateRequest:
    """A request for the tiny engine."""
    return GenerateRequest(name, Prompt(text), Sampling(), priority=priority)


class Caller(threading.Thread):
    """Asks in a thread of its own and keeps what it is told."""

    def __init__(self, backend: WorkerEngine, request: GenerateRequest) -> None:
        super().__init__(daemon=True)
        self.events: list[Event] = []
        self.times: list[float] = []
        self.error: Exception | None = None
        self._ask = (backend, request)
        self.start()

    def run(self) -> None:
        backend, request = self._ask
        try:
            for event in backend.generate(request):
                self.events.append(event)
                self.times.append(time.monotonic())
        except Exception as error:  # noqa: BLE001  the test looks at it
            self.error = error

    def of(self, kind: type[Event]) -> list[Any]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def positions(self) -> list[int]:
        """The places in the line that it was told."""
        return [event.position for event in self.of(QueueUpdate)]


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something that other threads bring about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def test_an_answer_is_streamed_whole_and_in_order(worker: WorkerEngine) -> None:
    events = list(worker.generate(order("write 5 0")))
    assert isinstance(events[0], GenerationStart)
    assert isinstance(events[-1], CompletionEnd)
    logprobs = (0.0, -0.125, -0.25, -0.375, -0.5)
    assert events[-1].completion == Completion(
        "0 1 2 3 4 ", (0, 1, 2, 3, 4), token_logprobs=logprobs
    )
    tokens = [event for event in events if isinstance(event, Token)]
    assert "".join(token.text for token in tokens) == events[-1].completion.text
    rows = [event for event in events if isinstance(event, AttentionRows)]
    assert [event.first_token for event in rows] == [0, 1, 2, 3, 4]
    assert rows[0].rows.shape == (1, 1, 4)


def test_tokens_arrive_while_the_answer_is_written(worker: WorkerEngine) -> None:
    caller = Caller(worker, order("write 100 0.02"))
    until(lambda: len(caller.of(Token)) >= 2)
    assert not caller.of(CompletionEnd)
    caller.join(30)
    assert caller.of(CompletionEnd)


def test_scores_and_rows_come_back(worker: WorkerEngine) -> None:
    item = (Prompt("q"), Completion("abc"))
    assert [score.logprobs.tolist() for score in worker.score([item, item])] == [[-1.0], [-1.0]]
    assert worker.attend(*item).rows.shape == (3, 1, 4)


def test_the_line_goes_by_priority_and_places_are_told(worker: WorkerEngine) -> None:
    first = Caller(worker, order("write 3000 0.02", "first"))
    until(lambda: first.of(Token))
    batch = Caller(worker, order("write 3 0.1", "batch"))
    until(lambda: batch.positions() == [1])
    clinician = Caller(worker, order("write 1 0", "clinician", priority=10))
    until(lambda: clinician.positions() == [1])
    until(lambda: batch.positions() == [1, 2])
    assert worker.status().waiting == 3
    worker.cancel("first")
    for caller in (first, batch, clinician):
        caller.join(30)
    assert batch.positions() == [1, 2, 1]
    assert first.positions() == []
    assert clinician.times[-1] < batch.times[-1]
    assert worker.status().waiting == 0


def test_cancelling_one_of_two_leaves_the_other_alone(worker: WorkerEngine) -> None:
    long = Caller(worker, order("write 2000 0.01", "long"))
    other = Caller(worker, order("write 3 0", "other"))
    until(lambda: len(long.of(Token)) >= 3)
    worker.cancel("long")
    worker.cancel("nobody")
    long.join(30)
    other.join(30)
    (end,) = long.of(CompletionEnd)
    assert end.completion.finish == "cancelled"
    assert other.of(CompletionEnd)[0].completion.finish == "stop"


def test_a_cancelled_answer_stops_within_a_token(worker: WorkerEngine) -> None:
    caller = Caller(worker, order("write 100 1.0"))
    until(lambda: caller.of(Token))
    time.sleep(0.05)  # in the middle of a token
    before = len(caller.of(Token))
    worker.cancel("a")
    caller.join(30)
    assert len(caller.of(Token)) == before


def test_one_that_waits_is_cancelled_at_once(worker: WorkerEngine) -> None:
    first = Caller(worker, order("write 3000 0.02", "first"))
    until(lambda: first.of(Token))
    second = Caller(worker, order("write 1 0", "second"))
    until(second.positions)
    worker.cancel("second")
    second.join(5)
    assert isinstance(second.error, CancelledError)
    assert first.is_alive()
    worker.cancel("first")
    first.join(30)


def test_closing_the_iterator_cancels(worker: WorkerEngine) -> None:
    events = worker.generate(order("write 5000 0.01"))
    for event in events:
        if isinstance(event, Token):
            break
    events.close()  # type: ignore[attr-defined]
    assert list(worker.generate(order("write 1 0", "next")))
    assert worker.status().waiting == 0


def test_an_id_that_is_under_way_is_refused(worker: WorkerEngine) -> None:
    first = Caller(worker, order("write 3000 0.02", "same"))
    until(lambda: first.of(Token))
    with pytest.raises(PromptError, match="same"):
        list(worker.generate(order("write 1 0", "same")))
    worker.cancel("same")
    first.join(30)
    assert first.of(CompletionEnd)


def test_the_child_has_nothing_of_the_server(worker: WorkerEngine) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening, closing(tiny()) as backend:
        listening.set_inheritable(False)
        files = said(backend, "files")
        modules = said(backend, "modules").split()
    assert "socket:" not in files
    assert not {"gradio", "torch", "sqlalchemy", "pathviewer"} & set(modules)


def test_the_child_is_off_line(worker: WorkerEngine) -> None:
    environment = said(worker, "environment")
    for setting in ("HF_HUB_OFFLINE=1", "HF_HUB_DISABLE_TELEMETRY=1", "DO_NOT_TRACK=1"):
        assert setting in environment


def said(backend: WorkerEngine, text: str) -> str:
    """The text that an order is answered with."""
    (end,) = [event for event in backend.generate(order(text)) if isinstance(event, CompletionEnd)]
    return end.completion.text


def test_what_is_asked_while_it_loads_is_answered_then() -> None:
    with closing(tiny(load="slow 0.5")) as backend:
        assert backend.status().state == "starting"
        caller = Caller(backend, order("write 2 0"))
        until(caller.positions)
        assert caller.positions() == [0]
        caller.join(30)
        assert caller.of(CompletionEnd)
        assert backend.status().info is not None


def test_a_closed_worker_says_so_to_all(worker: WorkerEngine) -> None:
    backend = tiny()
    callers = [Caller(backend, order("write 1000 0.01", name)) for name in "ab"]
    until(lambda: any(caller.of(Token) for caller in callers))
    backend.close()
    for caller in callers:
        caller.join(5)
        assert isinstance(caller.error, WorkerError)
    assert backend.status().state == "stopped"
    with pytest.raises(WorkerError, match="shut down"):
        list(backend.generate(order("write 1 0")))
    backend.close()


def test_an_engine_without_weights_maps_no_evidence(worker: WorkerEngine) -> None:
    places = np.ones((1, 1, 1), np.bool_)
    request = OcclusionRequest("evidence", Prompt("say 2"), Completion("x"), places)
    with pytest.raises(PromptError, match="whose weights are here"):
        worker.occlude(request)
    assert worker.status().waiting == 0
