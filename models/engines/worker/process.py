"""The model's process: builds its engine and runs one call after another."""

from __future__ import annotations

import faulthandler
import gc
import importlib
import logging
import os
import pickle
import queue
import signal
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, NoReturn, cast

from models.engines import user_messages
from models.engines.base import CallbackEngine, OcclusionEngine
from models.engines.fault_messages import is_gpu_lost, is_out_of_memory
from models.engines.worker.environment import lower_priority
from models.engines.worker.event_bundles import EventBundler
from models.engines.worker.messages import (
    AttendCall,
    Call,
    EngineSpec,
    FromChild,
    GradientCall,
    LoadFailure,
    Ready,
    RunCommand,
    RunFailure,
    RunResult,
    ScoreCall,
    StopCommand,
    ToChild,
)
from models.errors import CancelledError, ModelError, OutOfMemoryError, PromptError, WorkerError
from models.messages import GenerateRequest, OcclusionRequest
from models.time_limit import end_when_stuck
from models.user_messages import REQUEST_CANCELLED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from models.engines.base import Engine
    from models.messages import Event

log = logging.getLogger(__name__)

UNFIT = 1
"""Exit code of a process that can no longer listen or serve; the program starts another."""


class ParentLink:
    """Child side of the pipes; standard output is redirected, because libraries print."""

    def __init__(self) -> None:
        self._from_program = os.fdopen(os.dup(0), "rb")
        self._to_program = os.fdopen(os.dup(1), "wb")
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123  a descriptor is wanted
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)

    def receive(self) -> ToChild:
        """Next message; exits the process when the program's end closes."""
        try:
            return cast("ToChild", pickle.load(self._from_program))  # noqa: S301
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)  # no work is wanted any more, whatever the main thread does

    def receive_call(self, run: RunCommand) -> bytes:
        """The pickled call that follows a RunCommand."""
        data = self._from_program.read(run.length)
        if len(data) < run.length:
            os._exit(0)
        return data

    def send(self, message: FromChild) -> None:
        """Send a message to the program; exit if it is gone."""
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        try:
            self._to_program.write(data)
            self._to_program.flush()
        except OSError:
            os._exit(0)


def with_weights(engine: Engine) -> OcclusionEngine:
    """The engine as one that has the weights; raises PromptError if they are elsewhere."""
    if not isinstance(engine, OcclusionEngine):
        raise PromptError(user_messages.WEIGHTS_ELSEWHERE)
    return engine


class RunLoop:
    """Runs and cancellations passed from the listening thread to the main one."""

    def __init__(self, program: ParentLink) -> None:
        self._program = program
        self.bundles = EventBundler(program.send)
        self._runs: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._unwanted = 0
        self._cancel: Callable[[], None] | None = None

    def listen(self) -> NoReturn:
        """Receive the program's messages, even while the engine loads or works; never returns."""
        while True:
            message = self._program.receive()
            if isinstance(message, RunCommand):
                self._runs.put((message.number, self._program.receive_call(message)))
            elif isinstance(message, StopCommand):
                self._unwanted = max(self._unwanted, message.number)
                if cancel := self._cancel:
                    cancel()

    def serve(self, engine: Engine) -> NoReturn:
        """Execute the runs one at a time; never returns."""
        while True:
            number, data = self._runs.get()
            refused = None
            try:
                self._program.send(RunResult(self._do(engine, number, data)))
            except Exception as error:  # outermost handler: the engine stays unless its GPU is lost
                if is_gpu_lost(error):
                    raise
                refused = RunFailure(as_model_error(error))
            if refused is not None:
                gc.collect()  # the failed run's frames held what it had allocated
                self._program.send(refused)

    def _do(self, engine: Engine, number: int, data: bytes) -> object:
        if self._unwanted >= number:
            raise CancelledError(REQUEST_CANCELLED)
        call = cast("Call", pickle.loads(data))  # noqa: S301  our own program wrote it
        if isinstance(call, ScoreCall):
            return engine.score(call.items, budget=call.budget)
        if isinstance(call, AttendCall):
            return engine.attend(call.prompt, call.completion, budget=call.budget)
        if isinstance(call, GradientCall):
            return with_weights(engine).weigh_attention(call.request, call.passages)

        def cancel() -> None:
            if self._unwanted >= number:
                engine.cancel(call.request_id)

        self._cancel = cancel
        try:
            if isinstance(call, OcclusionRequest):
                return with_weights(engine).occlude(call)
            self._generate(engine, call, cancel)
        finally:
            self._cancel = None
        return None

    def _generate(
        self, engine: Engine, request: GenerateRequest, cancel: Callable[[], None]
    ) -> None:
        def tell(event: Event) -> None:
            self.bundles.add(event)
            cancel()  # again: the cancellation may have come before the engine knew the request

        try:
            if isinstance(engine, CallbackEngine):
                engine.answer(request, tell)
                return
            with closing(cast("Generator[Event]", engine.generate(request))) as events:
                for event in events:
                    tell(event)
        finally:
            self.bundles.flush()  # do not send this run's events to the next caller


def as_model_error(error: Exception) -> ModelError:
    """Convert an engine's error to one with a message for users."""
    if isinstance(error, ModelError):
        error.__cause__ = error.__context__ = None  # their frames hold what had been allocated
        return error.with_traceback(None)
    if is_out_of_memory(error):
        return OutOfMemoryError(user_messages.MODEL_OUT_OF_MEMORY)
    log.error("The engine failed.", exc_info=error)
    return WorkerError(user_messages.request_failed(type(error).__name__))


def build_engine(spec: EngineSpec) -> Engine | LoadFailure:
    """Build the engine, or return why it failed."""
    try:
        factory: Any = getattr(importlib.import_module(spec.module), spec.factory)
        return cast("Engine", factory(**spec.arguments))
    except ModelError as error:
        return LoadFailure(error)
    except ImportError as error:
        message = user_messages.library_missing(spec.name, error.name or str(error))
        return LoadFailure(WorkerError(message))
    except Exception as error:  # outermost handler: report the failure to the program
        if is_out_of_memory(error):
            return LoadFailure(OutOfMemoryError(user_messages.model_too_large(spec.name)))
        log.error("The engine could not be built.", exc_info=error)
        message = user_messages.loading_failed(spec.name, type(error).__name__)
        return LoadFailure(WorkerError(message))


def run_until_exit(work: Callable[[], NoReturn]) -> NoReturn:
    """Run `work`, then exit the process: listening and serving need each other."""
    try:
        work()
    except BaseException:
        log.exception("The model's process cannot continue and exits.")
    finally:
        os._exit(UNFIT)  # even if logging fails


def main() -> NoReturn:
    """Entry point of `python -m models.engines.worker.process`, started by `ChildLink`."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program decides when this process ends
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    faulthandler.enable()
    lower_priority()
    end_when_stuck()
    program = ParentLink()
    spec = program.receive()
    if not isinstance(spec, EngineSpec):
        sys.exit("The first message must say which engine to build.")
    worker = RunLoop(program)
    for work in (worker.listen, worker.bundles.flush_periodically):
        threading.Thread(target=run_until_exit, args=(work,), daemon=True).start()
    engine = build_engine(spec)
    if isinstance(engine, LoadFailure):
        program.send(engine)
        os._exit(0)  # the listening thread holds a pipe that Python would wait for
    program.send(Ready(engine.status().info))
    run_until_exit(lambda: worker.serve(engine))


if __name__ == "__main__":
    main()
