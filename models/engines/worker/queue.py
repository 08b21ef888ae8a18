"""Queue of calls for the engine, by priority, then first come, first served."""

from __future__ import annotations

import bisect
import itertools
import pickle
import queue
import threading
from collections.abc import Iterator

from models.engines.worker.messages import Call
from models.errors import ModelError
from models.messages import Event, GenerateRequest, OcclusionRequest, QueueUpdate


class EngineJob:
    """A call on its way from its caller's thread to the engine and back."""

    _numbers = itertools.count()

    def __init__(self, call: Call, priority: int) -> None:
        """Pickle the call; one that cannot be pickled never joins the queue."""
        self.request_id = (
            call.request_id if isinstance(call, GenerateRequest | OcclusionRequest) else None
        )
        """The caller's request id; None for `score` and `attend`."""
        self.call = pickle.dumps(call, pickle.HIGHEST_PROTOCOL)
        self.order = (-priority, next(self._numbers))
        self._position: int | None = None
        self._wanted = True
        self._inbox: queue.SimpleQueue[Event | _Outcome] = queue.SimpleQueue()

    def say(self, event: Event) -> None:
        """Pass an event to the caller; dropped if the caller has left."""
        if self._wanted:
            self._inbox.put(event)

    def finish(self, result: object) -> None:
        """End the job with the call's return value."""
        self._inbox.put(_Outcome(result=result))

    def fail(self, error: ModelError) -> None:
        """End the job with an error."""
        self._inbox.put(_Outcome(error=error))

    def leave(self) -> None:
        """Note that the caller no longer waits for the job."""
        self._wanted = False

    def tell_position(self, position: int) -> None:
        """Report the number of jobs before it, if that has changed."""
        if position != self._position and self.request_id is not None:
            self._position = position
            self.say(QueueUpdate(self.request_id, position))

    def events(self) -> Iterator[Event]:
        """Yield events as they come; raises the ModelError in which the call ended."""
        while not isinstance(event := self._inbox.get(), _Outcome):
            yield event
        if event.error is not None:
            raise event.error

    def result(self) -> object:
        """Wait for the call's return value; raises the ModelError in which it ended."""
        while not isinstance(outcome := self._inbox.get(), _Outcome):
            pass
        if outcome.error is not None:
            raise outcome.error
        return outcome.result


class _Outcome:
    """Outcome of a call: an error or a result."""

    def __init__(self, *, result: object = None, error: ModelError | None = None) -> None:
        self.result = result
        self.error = error


class JobQueue:
    """Waiting jobs and the running one. Thread-safe; no method blocks.

    Only `tell_positions` reports positions, so the job that is due next never reports a wait.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the garbage collector may close an iterator meanwhile
        self._waiting: list[EngineJob] = []
        self._running: EngineJob | None = None

    def __len__(self) -> int:
        """Number of waiting and running jobs."""
        with self._lock:
            return len(self._waiting) + (self._running is not None)

    @property
    def current_job(self) -> EngineJob | None:
        """The running job."""
        return self._running

    def join(self, job: EngineJob) -> None:
        """Queue a job after those of the same priority and before those of a lower one."""
        with self._lock:
            bisect.insort(self._waiting, job, key=lambda waiting: waiting.order)

    def take(self) -> EngineJob | None:
        """Start the next job; None if one is running or none waits."""
        with self._lock:
            if self._running is not None or not self._waiting:
                return None
            self._running = self._waiting.pop(0)
            return self._running

    def tell_positions(self) -> None:
        """Report to each job whose position has changed how many are before it."""
        with self._lock:
            for before, job in enumerate(self._waiting, start=int(self._running is not None)):
                job.tell_position(before)

    def leave(self, job: EngineJob) -> bool:
        """Remove a waiting job; False if it no longer waits."""
        with self._lock:
            if job not in self._waiting:
                return False
            self._waiting.remove(job)
            return True

    def find(self, request_id: str) -> EngineJob | None:
        """Waiting or running job with this request id."""
        with self._lock:
            candidate = [*self._waiting, *([self._running] if self._running else [])]
            return next((job for job in candidate if job.request_id == request_id), None)

    def end_running(self) -> EngineJob | None:
        """End the running job and return it."""
        with self._lock:
            job, self._running = self._running, None
            return job

    def empty(self) -> list[EngineJob]:
        """Remove and return all jobs, waiting or running."""
        with self._lock:
            jobs = [*([self._running] if self._running else []), *self._waiting]
            self._running = None
            self._waiting.clear()
            return jobs
