"""All readings: those being written, each by a thread of its own, and those that were kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing

from models.errors import CancelledError, ModelError
from models.messages import Event
from pathviewer.attention.map_json import CompletionAttention
from pathviewer.common.work_queue import AccountBounds, Slot, WorkKind
from pathviewer.questions.ask import CompletionResult, NeutralQuestionProgress, ask, cancel
from pathviewer.questions.deletion_check import check_attention_use
from pathviewer.questions.engine import EngineService
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.request import QuestionRequest
from pathviewer.questions.rerun import RunningModel
from pathviewer.questions.run import QuestionRun
from pathviewer.questions.snapshot import QuestionSnapshot
from pathviewer.questions.store import QuestionStore
from storage.errors import StorageError
from storage.questions.records import DeletionCheckRecord
from storage.questions.store import INTERRUPTION_SENTENCE

MOST_IN_MEMORY = 200
"""Readings in memory; the oldest that only waits for a clinician's own answer makes room."""
INTERNAL_ERROR = "PathViewer made a mistake; its log says which. Ask again."

log = logging.getLogger("pathviewer")


class QuestionService:
    """Every method may be called from any thread; those that find or change something raise
    StorageError when the database or the disk fails."""

    def __init__(
        self,
        engine_service: EngineService,
        store: QuestionStore,
        bounds: AccountBounds | None = None,
    ) -> None:
        """`bounds` say how many questions may be in progress; None sets no bound."""
        self.store = store
        self._engine_service = engine_service
        self._bounds = bounds or AccountBounds({})
        self._runs: dict[str, QuestionRun] = {}
        self._threads: set[threading.Thread] = set()
        self._closing = False
        self._lock = threading.Lock()

    def recover(self) -> None:
        """End what a former run left running."""
        try:
            count = self.store.recover()
        except StorageError as error:
            log.warning("Readings of a former run are still said to be running. %s", error)
        else:
            if count:
                log.info("Readings cut off when the program was last closed: %d.", count)

    def close(self) -> None:
        """What is still being written is about to be cut off: say so in its own words."""
        self._closing = True

    def join(self, seconds: float) -> None:
        """Wait until what was cut off is kept as such, at most so long."""
        until = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, until - time.monotonic()))

    def check_model(self) -> None:
        """Raises ModelError with a sentence where there is no model to ask."""
        if self._engine_service.status().state in ("failed", "stopped"):
            raise ModelError(self._engine_service.status().sentence)

    def running_model(self, name: str) -> RunningModel:
        """What would answer now, under its name."""
        info = self._engine_service.status().info
        return RunningModel(name, info.revision if info else None)

    def check_capacity(self, account_id: str) -> None:
        """Raises TooBusy where `start` would, before anything is read for a question."""
        self._bounds.check(account_id, WorkKind.question)

    def start(self, question: QuestionRequest) -> QuestionRun:
        """Keep a question and ask in a thread; raises TooBusy when too many are in progress."""
        self._release_finished()
        slot = self._bounds.take(question.new_question.account_id, WorkKind.question)
        try:
            run = QuestionRun(self.store.add(question), self.store)
        except BaseException:
            slot.release()
            raise
        with self._lock:
            self._runs[run.id] = run
        thread = threading.Thread(target=self._run, args=(run, question, slot), daemon=True)
        self._threads.add(thread)
        thread.start()
        return run

    def find_run(self, question_id: str) -> QuestionRun | None:
        """A reading in memory; answers at once."""
        return self._runs.get(question_id)

    def find(self, question_id: str) -> QuestionSnapshot:
        """What is known of a reading; raises ReadingNotFound."""
        run = self.find_run(question_id)
        return run.snapshot if run else self.store.find(question_id)

    def find_attention(self, snapshot: QuestionSnapshot, index: int) -> CompletionAttention:
        """Where an answer looked; raises ReadingNotFound, ModelError for a damaged file."""
        run = self.find_run(snapshot.record.id)
        if run:
            return run.find_attention(index)
        # found anew: `whole` may be from before the attention was kept
        return self.store.find_attention(self.store.find(snapshot.record.id), index)

    def check_deletion(
        self, snapshot: QuestionSnapshot, index: int, passage: str, account_id: str, model: str
    ) -> DeletionCheckRecord:
        """Check whether an answer used what it looked at, and keep what was found.

        Raises what `seen` and `check_use` do; ReadingRefused where `model` is another one.
        """
        self._release_finished()  # a check is found again by way of the database alone
        completion = snapshot.find_completion(index)
        self.running_model(model).check_same(snapshot.record)
        attention, picture = (
            self.find_attention(snapshot, index),
            self.store.load_picture(snapshot.record),
        )
        self.check_model()
        new_check = check_attention_use(
            self._engine_service.engine, snapshot.record, picture, attention, passage
        )
        return self.store.add_deletion_check(completion.id, account_id, new_check)

    def save_first_answer(
        self, snapshot: QuestionSnapshot, answer: str, confidence: int | None
    ) -> None:
        """Keep the clinician's own answer for good; raises ReadingRefused on a second one."""
        if not snapshot.is_blinded:
            raise QuestionRefused("Your answer is kept already and cannot be changed.", 409)
        record = self.store.save_first_answer(snapshot.record.id, answer, confidence)
        run = self.find_run(record.id)
        if run:
            run.record_first_answer(record)
            if run.is_finished:
                self._release(run)

    def stop(self, question_id: str) -> None:
        """End what is being written within a token; one that is not being written has ended."""
        if self.find_run(question_id) is None:
            return
        try:
            cancel(self._engine_service.engine, question_id)
        except ModelError as error:
            log.warning("A reading could not be stopped. %s", error)

    def forget(self, question_ids: Sequence[str]) -> None:
        """Let go of readings that were taken back."""
        for run in filter(None, map(self.find_run, question_ids)):
            self._release(run)

    def _release_finished(self) -> None:
        """Forget what is kept and told; of those who wait for an own answer, the oldest."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            if run.end_unsaved:
                run.save_end()
            if run.end_unsaved:  # the database is still away: each try may wait for it
                break
        ended = [run for run in runs if run.snapshot.record.state != "running"]
        excess = len(runs) - MOST_IN_MEMORY + 1
        for index, run in enumerate(ended):
            if index < excess or run.is_finished:
                self._release(run)

    def _release(self, run: QuestionRun) -> None:
        run.released = True
        with self._lock:
            self._runs.pop(run.id, None)

    def _run(self, run: QuestionRun, question: QuestionRequest, slot: Slot) -> None:
        ending: tuple[str, str | None] = ("failed", INTERNAL_ERROR)
        try:
            ending = self._handle_events(run, question)
        finally:
            slot.release()  # before the end event: its listeners may ask again at once
            run.end(*ending)
            if run.is_finished:
                self._release(run)
            self._threads.discard(threading.current_thread())

    def _handle_events(self, run: QuestionRun, question: QuestionRequest) -> tuple[str, str | None]:
        """How a reading ended, and why if it failed."""
        try:
            with closing(self._ask(run.id, question)) as events:
                for event in events:
                    run.handle(event)
        except CancelledError:
            return "stopped", None
        except ModelError as error:
            return "failed", INTERRUPTION_SENTENCE if self._closing else str(error)
        except StorageError as error:
            return "failed", f"What was written is not kept. {error}"
        return "done", None

    def _ask(
        self, question_id: str, question: QuestionRequest
    ) -> Generator[Event | NeutralQuestionProgress | CompletionResult, None, None]:
        return ask(
            self._engine_service.engine,
            question.prompt,
            sampling=question.sampling,
            budget=question.budget,
            count=question.new_question.count,
            request_id=question_id,
        )
