"""`WorkerEngine`: an engine in its own process, restarted after faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from models.engines import user_messages
from models.engines.base import EngineStatus, State
from models.engines.worker.messages import (
    AttendCall,
    Call,
    EngineSpec,
    EventBatch,
    FromChild,
    GradientCall,
    LoadFailure,
    Ready,
    RunCommand,
    RunFailure,
    RunResult,
    ScoreCall,
    StopCommand,
)
from models.engines.worker.pipes import ChildLink
from models.engines.worker.queue import EngineJob, JobQueue
from models.errors import CancelledError, ModelError, OutOfMemoryError, PromptError, WorkerError
from models.messages import (
    AttentionRows,
    Completion,
    Event,
    GenerateRequest,
    ModelInfo,
    OcclusionRequest,
    PixelBudget,
    Prompt,
    TokenScores,
)
from models.occlusion import OcclusionRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESTART_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a process that ended is restarted: the first time in a row, the second, and so on;
the last value applies to all further ones.
"""
STEADY_SECONDS = 60.0
"""Seconds of readiness after which the pauses start over."""
LOAD_ATTEMPTS = 5
"""Consecutive processes that may end while loading before the engine fails."""


class WorkerEngine:
    """An `Engine` whose engine runs in a child process; requests wait until it is ready.

    One call runs at a time; the others wait by priority. If the process ends, the running call gets
    a WorkerError and the waiting ones wait for the next process. `generate` joins the queue when
    its iterator is first advanced.
    """

    def __init__(
        self,
        spec: EngineSpec,
        *,
        pauses: Sequence[float] = RESTART_PAUSES,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`report` receives, in another thread, a sentence on each process that ended or failed."""
        self._spec = spec
        self._pauses = pauses
        self._told = report
        self._line = JobQueue()
        # guards the fields below; re-entered when the garbage collector closes a forgotten iterator
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._state: State = "starting"
        self._sentence = user_messages.model_loading(spec.name)
        self._info: ModelInfo | None = None
        self._error: ModelError | None = None
        self._link: ChildLink | None = None
        self._runs = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._read_until_ended, name="model worker", daemon=True
        )
        self._thread.start()

    @property
    def process_id(self) -> int | None:
        """Process id of the child; None while there is none."""
        link = self._link
        return link.process_id if link else None

    def status(self) -> EngineStatus:
        """Current state."""
        with self._lock:
            return EngineStatus(self._state, self._sentence, self._info, len(self._line))

    def wait_until_settled(self, seconds: float) -> EngineStatus:
        """Wait at most `seconds` until it is no longer starting, then return its state."""
        with self._changed:
            self._changed.wait_for(lambda: self._state != "starting", seconds)
        return self.status()

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """As `Engine.generate`; raises PromptError for an id already running."""
        job = self._submit(request, request.priority)
        try:
            yield from job.events()
        finally:
            self._withdraw(job)

    def cancel(self, request_id: str) -> None:
        """As `Engine.cancel`; a waiting request ends with a CancelledError."""
        job = self._line.find(request_id)
        if job is None:
            return
        if self._line.leave(job):
            job.fail(CancelledError(user_messages.CANCELLED_BEFORE_START))
            self._line.tell_positions()
        else:
            self._stop_if_running(job)

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        """As `Engine.score`."""
        return cast("list[TokenScores]", self._ask(ScoreCall(tuple(items), budget), priority))

    def attend(
        self, prompt: Prompt, completion: Completion, *, budget: PixelBudget | None = None
    ) -> AttentionRows:
        """As `Engine.attend`."""
        return cast("AttentionRows", self._ask(AttendCall(prompt, completion, budget), 0))

    def occlude(self, request: OcclusionRequest) -> OcclusionRows:
        """As `OcclusionEngine.occlude`; PromptError if the model's weights are not in the child."""
        return cast("OcclusionRows", self._ask(request, request.priority))

    def weigh_attention(
        self, request: OcclusionRequest, passages: Sequence[range]
    ) -> NDArray[np.float32]:
        """As `OcclusionEngine.weigh_attention`; PromptError as `occlude`."""
        call = GradientCall(request, tuple(passages))
        return cast("NDArray[np.float32]", self._ask(call, request.priority))

    def close(self) -> None:
        """End the process; waiting and running requests end with a WorkerError."""
        self._closed.set()
        self._give_up("stopped", WorkerError(user_messages.model_shut_down(self._spec.name)))
        link = self._link
        if link is not None:
            link.stop()
        self._thread.join()

    def _ask(self, call: Call, priority: int) -> object:
        job = self._submit(call, priority)
        try:
            return job.result()
        finally:
            self._withdraw(job)

    def _submit(self, call: Call, priority: int) -> EngineJob:
        try:
            job = EngineJob(call, priority)
        except MemoryError:
            raise OutOfMemoryError(user_messages.CALL_TOO_LARGE) from None
        with self._lock:
            if self._error is not None:
                raise type(self._error)(str(self._error))
            if job.request_id is not None and self._line.find(job.request_id):
                raise PromptError(user_messages.request_running(job.request_id))
            self._line.join(job)
        self._dispatch()
        return job

    def _withdraw(self, job: EngineJob) -> None:
        """Remove a job that is finished or whose caller has gone."""
        job.leave()
        if self._line.leave(job):
            self._line.tell_positions()
        else:
            self._stop_if_running(job)

    def _stop_if_running(self, job: EngineJob) -> None:
        with self._lock:
            link, number = self._link, self._runs
            running = self._line.current_job is job
        if running and link is not None:
            link.send(StopCommand(number))

    def _dispatch(self) -> None:
        """Give an idle process the next job; report positions to the others."""
        with self._lock:
            link, number = self._link, self._runs + 1
            job = self._line.take() if link is not None and self._state == "ready" else None
            if job is not None:
                self._runs = number
        self._line.tell_positions()
        if job is not None and link is not None:
            link.send(RunCommand(number, len(job.call)), job.call)

    def _read_until_ended(self) -> None:
        """Reader thread of a process; ends with it and is not joined."""
        try:
            self._keep_running()
        finally:
            self._give_up("failed", WorkerError(user_messages.model_failed(self._spec.name)))

    def _keep_running(self) -> None:
        """Keep a process running until the engine is closed or fails."""
        in_a_row = unloaded = 0
        while not self._closed.is_set():
            ready_at = self._run_process()
            if self._state in ("failed", "stopped"):
                return
            unloaded = unloaded + 1 if ready_at is None else 0
            if unloaded == LOAD_ATTEMPTS:
                sentence = user_messages.loading_given_up(self._sentence, unloaded)
                self._give_up("failed", WorkerError(sentence))
                return
            if ready_at is not None and time.monotonic() - ready_at > STEADY_SECONDS:
                in_a_row = 0
            self._closed.wait(self._pauses[min(in_a_row, len(self._pauses) - 1)])
            in_a_row += 1

    def _run_process(self) -> float | None:
        """Run one process to its end; return when it was ready (monotonic clock), or None."""
        try:
            link = ChildLink()
        except OSError as error:
            self._handle_exit(user_messages.process_not_started(error.strerror))
            return None
        with self._lock:
            self._link, self._runs = link, 0
        if self._closed.is_set():  # `close` may have run before there was a link
            link.stop()
            list(link.messages())  # read to the end, where the pipe is closed
            return None
        link.send(self._spec)
        ready_at = None
        for message in link.messages():
            if isinstance(message, Ready):
                ready_at = time.monotonic()
            self._handle(message)
        self._handle_exit(user_messages.process_ended(link.stop()))
        return ready_at

    def _handle(self, message: FromChild) -> None:
        if isinstance(message, EventBatch):
            if (job := self._line.current_job) is not None:
                for event in message.events:
                    job.say(event)
            return
        if isinstance(message, Ready):
            self._ready(message.info)
        elif isinstance(message, LoadFailure):
            self._give_up("failed", message.error)
        elif (job := self._line.end_running()) is not None:
            if isinstance(message, RunResult):
                job.finish(message.result)
            elif isinstance(message, RunFailure):
                job.fail(message.error)
        self._dispatch()

    def _ready(self, info: ModelInfo | None) -> None:
        where = user_messages.ready_where(info.device, info.dtype) if info else ""
        with self._changed:
            if self._state == "starting":
                self._state, self._info = "ready", info
                self._sentence = user_messages.model_ready(self._spec.name, where)
                self._changed.notify_all()

    def _handle_exit(self, how: str) -> None:
        """Handle the end of the process: its caller gets an error, the others wait for the next."""
        with self._changed:
            self._link = self._info = None
            if self._state in ("failed", "stopped"):
                return
            self._state = "starting"
            self._sentence = user_messages.process_restarts(self._spec.name, how)
            self._changed.notify_all()
        self._told(self._sentence)
        if (job := self._line.end_running()) is not None:
            job.fail(WorkerError(user_messages.ask_again(self._sentence)))
        self._line.tell_positions()

    def _give_up(self, state: State, error: ModelError) -> None:
        """Fail for good; raise the error for all waiting and later callers."""
        with self._changed:
            if self._state in ("failed", "stopped") and state == "failed":
                return
            self._state, self._sentence, self._error = state, str(error), error
            self._info = None
            self._changed.notify_all()
            jobs = self._line.empty()
        if state == "failed":
            self._told(str(error))
        for job in jobs:
            job.fail(type(error)(str(error)))
