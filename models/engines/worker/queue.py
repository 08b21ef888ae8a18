"""Who is served next: calls waiting for the one engine, by priority, then first come first."""

from __future__ import annotations

import bisect
import itertools
import pickle
import queue
import threading
from collections.abc import Iterator

from models.engines.worker.messages import Call
from models.errors import ModelError
from models.messages import Event, GenerateRequest, QueueUpdate


class EngineJob:
    """One call, from its caller's thread to the engine and back."""

    _numbers = itertools.count()

    def __init__(self, call: Call, priority: int) -> None:
        """Pickles the call, so that one which cannot be never joins the line."""
        self.request_id = call.request_id if isinstance(call, GenerateRequest) else None
        """The caller's own id; None for `score` and `attend`, which have none."""
        self.call = pickle.dumps(call, pickle.HIGHEST_PROTOCOL)
        self.order = (-priority, next(self._numbers))
        self._position: int | None = None
        self._wanted = True
        self._inbox: queue.SimpleQueue[Event | _Outcome] = queue.SimpleQueue()

    def say(self, event: Event) -> None:
        """Pass an event on; dropped when nobody waits for it any more."""
        if self._wanted:
            self._inbox.put(event)

    def finish(self, result: object) -> None:
        """End it with what the call returned."""
        self._inbox.put(_Outcome(result=result))

    def fail(self, error: ModelError) -> None:
        """End it with an error."""
        self._inbox.put(_Outcome(error=error))

    def leave(self) -> None:
        """Nobody waits for it any more."""
        self._wanted = False

    def tell_position(self, position: int) -> None:
        """Say how many are before it, if that has changed."""
        if position != self._position and self.request_id is not None:
            self._position = position
            self.say(QueueUpdate(self.request_id, position))

    def events(self) -> Iterator[Event]:
        """Events as they come; raises the ModelError in which the call ended."""
        while not isinstance(event := self._inbox.get(), _Outcome):
            yield event
        if event.error is not None:
            raise event.error

    def result(self) -> object:
        """Wait for what the call returns; raises the ModelError in which it ended."""
        while not isinstance(outcome := self._inbox.get(), _Outcome):
            pass
        if outcome.error is not None:
            raise outcome.error
        return outcome.result


class _Outcome:
    """How a call ended: an error, or else a result."""

    def __init__(self, *, result: object = None, error: ModelError | None = None) -> None:
        self.result = result
        self.error = error


class JobQueue:
    """The jobs that wait, and the one that runs. Thread-safe; none of its calls blocks.

    Places are told by `tell_positions` alone, so that nobody is told to wait whose turn it is.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the collector may close an iterator meanwhile
        self._waiting: list[EngineJob] = []
        self._running: EngineJob | None = None

    def __len__(self) -> int:
        """Jobs waiting or under way."""
        with self._lock:
            return len(self._waiting) + (self._running is not None)

    @property
    def current_job(self) -> EngineJob | None:
        """The job under way."""
        return self._running

    def join(self, job: EngineJob) -> None:
        """Wait behind those of the same priority, before those of a lower one."""
        with self._lock:
            bisect.insort(self._waiting, job, key=lambda waiting: waiting.order)

    def take(self) -> EngineJob | None:
        """The next job, now under way; None while another is, or if none waits."""
        with self._lock:
            if self._running is not None or not self._waiting:
                return None
            self._running = self._waiting.pop(0)
            return self._running

    def tell_positions(self) -> None:
        """Say to everybody whose place has changed how many are before him."""
        with self._lock:
            for before, job in enumerate(self._waiting, start=int(self._running is not None)):
                job.tell_position(before)

    def leave(self, job: EngineJob) -> bool:
        """Take a waiting job out; False if it does not wait any more."""
        with self._lock:
            if job not in self._waiting:
                return False
            self._waiting.remove(job)
            return True

    def find(self, request_id: str) -> EngineJob | None:
        """The job of that id, waiting or under way."""
        with self._lock:
            candidate = [*self._waiting, *([self._running] if self._running else [])]
            return next((job for job in candidate if job.request_id == request_id), None)

    def end_running(self) -> EngineJob | None:
        """The job that was under way and is over."""
        with self._lock:
            job, self._running = self._running, None
            return job

    def empty(self) -> list[EngineJob]:
        """Every job, none of which waits or runs any more."""
        with self._lock:
            jobs = [*([self._running] if self._running else []), *self._waiting]
            self._running = None
            self._waiting.clear()
            return jobs
